"""Statements sent straight to psycopg: for hot paths, several in one round trip.

SQLAlchemy's own part of a small statement costs more than the statement (docs/performance.md).
Statements that take many rows are in app.common.bulk.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy.orm import Session

#: The text of a statement, and its values.
Message = tuple[str, Mapping[str, Any]]

_WAITING: Final = "waiting writes"


def send(
    session: Session, statement: str, values: Mapping[str, Any] | None = None
) -> psycopg.Cursor[Any]:
    """Send a statement with `%(name)s` placeholders; the cursor yields named tuples.

    In a pipeline this returns immediately, and reading the rows waits for them: so send all
    statements first and read their rows afterwards.
    Raises psycopg.Error, which `transaction()` turns into SQLAlchemy's.
    """
    send_waiting(session)
    cursor = connection_of(session).cursor(row_factory=namedtuple_row)
    return cursor.execute(cast("Any", statement), values)


def send_later(session: Session, statements: Sequence[Message]) -> None:
    """Send statements that return no rows as a single one. In a pipeline they are deferred and
    combined with others, and sent before the next `send` or COMMIT.

    None may read or change rows that another one writes: PostgreSQL executes them at once. A
    statement that is waiting already is sent first. Raises as `send` does.
    """
    waiting = session.info.get(_WAITING, ())
    if {text for text, _ in waiting} & {text for text, _ in statements}:
        send_waiting(session)
    session.info.setdefault(_WAITING, []).extend(statements)
    if not is_pipelined(session):
        send_waiting(session)


def send_waiting(session: Session) -> None:
    """Send what `send_later` has deferred."""
    waiting: list[Message] | None = session.info.pop(_WAITING, None)
    if waiting:
        values = {
            f"{_part(n)}{name}": value
            for n, (_, values) in enumerate(waiting)
            for name, value in values.items()
        }
        send(session, _combined(tuple(statement for statement, _ in waiting)), values)


def discard_waiting(session: Session) -> None:
    """Forget what `send_later` has deferred, because it will be rolled back."""
    session.info.pop(_WAITING, None)


@lru_cache(maxsize=256)
def _combined(statements: tuple[str, ...]) -> str:
    """One statement that executes all of them. Its triggers are fired once for all."""
    *parts, last = (
        statement.replace("%(", f"%({_part(n)}") for n, statement in enumerate(statements)
    )
    named = ", ".join(f"{_part(n)} AS ({statement})" for n, statement in enumerate(parts))
    return f"WITH {named} {last}" if parts else last


def _part(n: int) -> str:
    return f"part{n}_"


def uuid_array(ids: Iterable[UUID]) -> str:
    """A value for a parameter of type uuid[]: psycopg takes four times as long for a list."""
    return "{" + ",".join(map(str, ids)) + "}"


def start_pipeline(session: Session) -> None:
    """Send statements without waiting, until COMMIT waits for all of them."""
    stack = ExitStack()
    session.info["pipeline"] = stack.enter_context(connection_of(session).pipeline()), stack


def wait(session: Session) -> None:
    """Wait until every statement sent so far is done. Raises the error of the first that failed."""
    if is_pipelined(session):
        send_waiting(session)
        pipeline, _ = session.info["pipeline"]
        pipeline.sync()


def is_pipelined(session: Session) -> bool:
    return "pipeline" in session.info


def leave_pipeline(session: Session) -> None:
    """Wait for all statements and end the pipeline. Raises the error of the first that failed."""
    if is_pipelined(session):
        send_waiting(session)
        _, stack = session.info.pop("pipeline")
        stack.close()


def abandon_pipeline(session: Session) -> None:
    """End the pipeline of a transaction that will be rolled back."""
    discard_waiting(session)
    with suppress(psycopg.Error):
        leave_pipeline(session)


@contextmanager
def paused_pipeline(session: Session) -> Iterator[None]:
    """Wait for all statements, and send the following ones without a pipeline until the block ends.

    SQLAlchemy reads results at once, which a pipeline does not have yet. Objects that the block has
    changed are flushed at its end.
    """
    pipelined = is_pipelined(session)
    leave_pipeline(session)
    yield
    if pipelined:
        session.flush()
        start_pipeline(session)


def connection_of(session: Session) -> psycopg.Connection[Any]:
    """The connection of psycopg that the transaction of `session` uses."""
    connection = session.info.get("driver")
    if connection is None:
        connection = session.connection().connection.driver_connection
        session.info["driver"] = connection
    return cast("psycopg.Connection[Any]", connection)
