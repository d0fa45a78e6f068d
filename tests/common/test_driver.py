"""Statements sent directly to the driver, individually and in a pipeline."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import event as event_
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.common import bulk, db
from app.common.bulk import BulkInsert, Write
from app.common.database import Database
from app.common.db import fetch_one, joined, reading, transaction
from app.common.driver import send, start_pipeline, wait
from app.events.models import OutboxEvent
from tests import factories

OMITTED = ("sequence", "version", "schema_version", "trace_context")
INSERT = BulkInsert(OutboxEvent, omit=OMITTED)
OTHER_INSERT = BulkInsert(OutboxEvent, omit=OMITTED, tail="ON CONFLICT DO NOTHING")
COUNT = "SELECT count(*) AS n FROM outbox_events WHERE type = %(kind)s"


def event(event_id: UUID, kind: str = "test") -> dict[str, object]:
    return {
        "id": event_id,
        "type": kind,
        "aggregate_type": "test",
        "aggregate_id": event_id,
        "data": {"text": 'quotes " and \\ and žluťoučký 🐎', "list": [1, None, True]},
        "occurred_at": datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC),
    }


def count_of(kind: str = "test") -> int:
    row = fetch_one(COUNT, {"kind": kind})
    assert row is not None
    return int(row[0])


@pytest.fixture
def one_connection(committing: Flask) -> Iterator[None]:
    """A pool of one connection, so that its state after a transaction affects the next one."""
    kept = db.current()
    small = db.configure(Database(kept.engine.url.render_as_string(False), pool_size=1))
    yield
    small.dispose()
    db.configure(kept)


def test_rows_are_stored_unchanged(app: Flask) -> None:
    sent = [event(uuid4()) for _ in range(3)]

    with transaction() as session:
        INSERT.execute(session, sent)
    with reading() as session:
        found = send(session, "SELECT * FROM outbox_events WHERE type = 'test'").fetchall()

    by_id = {row.id: row for row in found}
    for row in sent:
        for name, value in row.items():
            assert getattr(by_id[row["id"]], name) == value


def test_in_a_pipeline_results_are_read_after_all_statements_were_sent(app: Flask) -> None:
    factories.actor()
    with transaction() as session:
        start_pipeline(session)
        first = send(session, "SELECT 1 AS n")
        INSERT.execute(session, [event(uuid4())])
        second = send(session, COUNT, {"kind": "test"})
        wait(session)

        assert [row.n for row in second] == [1]
        assert [row.n for row in first] == [1]

    assert count_of() == 1


@pytest.mark.parametrize("serializable", [False, True])
@pytest.mark.parametrize("delayed", [False, True])
def test_a_failure_in_a_pipeline_rolls_back_and_leaves_the_connection_clean(
    one_connection: None, serializable: bool, delayed: bool
) -> None:
    row = event(uuid4())

    def insert_twice() -> None:
        with transaction(serializable=serializable) as session:
            start_pipeline(session)
            if delayed:  # so that the error is received at COMMIT
                send(session, "SELECT pg_sleep(0.05)")
            INSERT.execute(session, [row])
            INSERT.execute(session, [row])

    for _ in range(3):
        with pytest.raises(IntegrityError):
            insert_twice()

    assert count_of() == 0
    with transaction(serializable=serializable) as session:
        start_pipeline(session)
        INSERT.execute(session, [row])
    assert count_of() == 1


class TestLaterWrites:
    COMMANDS = "SELECT DISTINCT cmin::text FROM outbox_events"

    def write(self, session: Session) -> None:
        bulk.write(session, Write(INSERT, [event(uuid4())]))

    @pytest.mark.parametrize(("pipelined", "statements"), [(True, 1), (False, 2)])
    def test_in_a_pipeline_they_are_one_statement(
        self, one_connection: None, pipelined: bool, statements: int
    ) -> None:
        with transaction() as session:
            if pipelined:
                start_pipeline(session)
            self.write(session)
            bulk.write(session, Write(OTHER_INSERT, [event(uuid4())]))

            assert len(send(session, self.COMMANDS).fetchall()) == statements

        assert count_of() == 2

    def test_one_that_is_waiting_already_is_sent_first(self, one_connection: None) -> None:
        with transaction() as session:
            start_pipeline(session)
            self.write(session)
            self.write(session)

            assert len(send(session, self.COMMANDS).fetchall()) == 2

    def test_commit_sends_them(self, one_connection: None) -> None:
        with transaction() as session:
            start_pipeline(session)
            self.write(session)

        assert count_of() == 1

    def test_they_are_undone_with_their_part_of_a_transaction(self, one_connection: None) -> None:
        with transaction() as session:
            start_pipeline(session)
            self.write(session)
            with joined(session):
                with suppress(ZeroDivisionError), transaction() as part:
                    self.write(part)
                    raise ZeroDivisionError
                with transaction() as part:
                    self.write(part)

        assert count_of() == 2


def test_an_exception_between_statements_of_a_pipeline_rolls_them_back(
    one_connection: None,
) -> None:
    with suppress(ZeroDivisionError), transaction(serializable=True) as session:
        start_pipeline(session)
        INSERT.execute(session, [event(uuid4())])
        raise ZeroDivisionError

    with transaction(serializable=True) as session:
        assert send(session, COUNT, {"kind": "test"}).fetchone().n == 0  # type: ignore[union-attr]


def test_a_connection_returns_to_the_pool_without_a_pipeline(one_connection: None) -> None:
    open_pipelines = []

    def look(connection: Any, _: object) -> None:
        open_pipelines.append(connection._pipeline)

    event_.listen(db.current()._serializable_engine, "checkin", look)
    with transaction(serializable=True) as session:
        start_pipeline(session)
        INSERT.execute(session, [event(uuid4())])

    assert open_pipelines == [None]


def test_errors_of_the_driver_are_wrapped_in_those_of_sqlalchemy(app: Flask) -> None:
    with pytest.raises(DBAPIError) as error, reading() as session:
        send(session, "SELECT 1 / 0")
    assert db.sqlstate(error.value) == "22012"


def test_an_error_of_a_lookup_is_wrapped_too(one_connection: None) -> None:
    with pytest.raises(DBAPIError) as error:
        fetch_one("SELECT 1 / %(zero)s", {"zero": 0})
    assert db.sqlstate(error.value) == "22012"
    assert count_of() == 0


def test_rows_of_small_tables_are_found_by_index(committing: Flask) -> None:
    factories.buyer()
    with reading() as session:
        plan = send(session, "EXPLAIN SELECT * FROM wallets WHERE id = %(id)s", {"id": uuid4()})
        assert "Index Scan" in str(plan.fetchall())
