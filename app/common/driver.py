"""Statements sent straight to psycopg: for hot paths, several in one round trip.

SQLAlchemy's own part of a small statement costs more than the statement (docs/performance.md).
Statements that take many rows are in app.common.bulk.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy.orm import Session


def send(
    session: Session, statement: str, values: Mapping[str, Any] | None = None
) -> psycopg.Cursor[Any]:
    """Send a statement with `%(name)s` placeholders; the cursor yields named tuples.

    In a pipeline this returns immediately, and reading the rows waits for them: so send all
    statements first and read their rows afterwards.
    Raises psycopg.Error, which `transaction()` turns into SQLAlchemy's.
    """
    cursor = _connection(session).cursor(row_factory=namedtuple_row)
    return cursor.execute(cast("Any", statement), values)


def uuid_array(ids: Iterable[UUID]) -> str:
    """A value for a parameter of type uuid[]: psycopg takes four times as long for a list."""
    return "{" + ",".join(map(str, ids)) + "}"


def start_pipeline(session: Session) -> None:
    """Send statements without waiting until the transaction ends; COMMIT waits for all of them."""
    stack = ExitStack()
    session.info["pipeline"] = stack.enter_context(_connection(session).pipeline()), stack


def wait(session: Session) -> None:
    """Wait until every statement sent so far is done. Raises the error of the first that failed."""
    if "pipeline" in session.info:
        pipeline, _ = session.info["pipeline"]
        pipeline.sync()


def leave_pipeline(session: Session) -> None:
    """Wait for all statements and end the pipeline. Raises the error of the first that failed."""
    if "pipeline" in session.info:
        _, stack = session.info.pop("pipeline")
        stack.close()


@contextmanager
def paused_pipeline(session: Session) -> Iterator[None]:
    """Wait for all statements, and send the following ones without a pipeline until the block ends.

    SQLAlchemy reads results at once, which a pipeline does not have yet. Objects that the block has
    changed are flushed at its end.
    """
    pipelined = "pipeline" in session.info
    leave_pipeline(session)
    yield
    if pipelined:
        session.flush()
        start_pipeline(session)


def _connection(session: Session) -> psycopg.Connection[Any]:
    connection = session.info.get("driver")
    if connection is None:
        connection = session.connection().connection.driver_connection
        session.info["driver"] = connection
    return cast("psycopg.Connection[Any]", connection)
