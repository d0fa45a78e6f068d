"""Transactions: commits, retries, and unknown outcomes."""

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.common import db, process_state
from app.common.database import Database
from app.common.db import (
    OutcomeUnknown,
    after_commit,
    plan_for_whole_tables,
    retry_transaction,
    snapshot,
    transaction,
)
from app.common.driver import send
from app.common.errors import AppError, Conflict, Unavailable
from tests import factories


class CommittedRefusal(Conflict):
    commits = True


def insert_row(session: Session, kind: str = "here") -> None:
    """Insert a row that `rows` finds."""
    session.execute(
        text(
            "INSERT INTO outbox_events (id, type, aggregate_type, aggregate_id, data, occurred_at)"
            " VALUES (gen_random_uuid(), :kind, 'test', gen_random_uuid(), '{}', now())"
        ),
        {"kind": kind},
    )


def rows() -> list[str]:
    with transaction() as session:
        return list(session.scalars(text("SELECT type FROM outbox_events ORDER BY sequence")))


def fail_with(session: Session, sqlstate: str) -> None:
    session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$"))


def kill(session: Session) -> None:
    """End the connection of `session` from outside, as a failover does."""
    pid = session.scalar(text("SELECT pg_backend_pid()"))
    engine = create_engine(db.current().engine.url)
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    engine.dispose()


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between attempts."""
    monkeypatch.setattr(db, "_PAUSE", (0, 0))


class TestTransaction:
    def test_the_transaction_commits_when_the_block_ends(self, app: Flask) -> None:
        with transaction() as session:
            insert_row(session)

        assert rows() == ["here"]

    @pytest.mark.parametrize("error", [RuntimeError, Conflict, KeyboardInterrupt])
    def test_the_transaction_rolls_back_when_the_block_raises(
        self, app: Flask, error: type[BaseException]
    ) -> None:
        def work() -> None:
            with transaction() as session:
                insert_row(session)
                raise error

        with pytest.raises(error):
            work()

        assert rows() == []

    def test_an_error_that_commits_keeps_its_changes(self, app: Flask) -> None:
        def work() -> None:
            with transaction() as session:
                insert_row(session)
                raise CommittedRefusal

        with pytest.raises(CommittedRefusal):
            work()

        assert rows() == ["here"]

    def test_without_a_configured_database_a_transaction_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(process_state._values, db.current.name)

        with pytest.raises(RuntimeError, match="configure"), transaction():
            pass


class TestAfterCommit:
    def test_a_callback_runs_once_after_the_commit(self, app: Flask) -> None:
        seen: list[str] = []

        with transaction() as session:
            insert_row(session)
            after_commit(session, lambda: seen.extend(rows()))
            assert seen == []

        assert seen == ["here"]

    def test_callbacks_run_in_order(self, app: Flask) -> None:
        seen: list[int] = []

        with transaction() as session:
            for number in range(3):
                after_commit(session, lambda n=number: seen.append(n))

        assert seen == [0, 1, 2]

    def test_a_callback_does_not_run_after_a_rollback(self, app: Flask) -> None:
        seen: list[int] = []

        def work() -> None:
            with transaction() as session:
                after_commit(session, lambda: seen.append(1))
                raise Conflict

        with pytest.raises(Conflict):
            work()

        assert seen == []

    def test_a_callback_does_not_run_if_the_commit_fails(self, committing: Flask) -> None:
        seen: list[int] = []

        def work() -> None:
            with transaction() as session:
                # Refused at commit.
                session.execute(
                    text("CREATE TEMP TABLE twice (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
                )
                session.execute(text("INSERT INTO twice VALUES (1), (1)"))
                after_commit(session, lambda: seen.append(1))

        with pytest.raises(IntegrityError):
            work()

        assert seen == []


class TestRetrying:
    @pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
    def test_after_contention_the_work_is_rolled_back_and_retried(
        self, app: Flask, without_pauses: None, sqlstate: str
    ) -> None:
        attempts = []

        def work(session: Session) -> str:
            attempts.append(1)
            insert_row(session, f"attempt {len(attempts)}")
            if len(attempts) < 3:
                fail_with(session, sqlstate)
            return "done"

        assert retry_transaction(work) == "done"
        assert rows() == ["attempt 3"]

    @pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
    def test_after_8_attempts_the_transaction_is_unavailable(
        self, app: Flask, without_pauses: None, sqlstate: str
    ) -> None:
        attempts = []

        def work(session: Session) -> None:
            attempts.append(1)
            fail_with(session, sqlstate)

        with pytest.raises(Unavailable) as refused:
            retry_transaction(work)

        assert len(attempts) == 8
        assert refused.value.headers["Retry-After"] == "1"

    def test_after_2_seconds_the_transaction_is_unavailable(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        moments = iter([0.0, 1.0, 1.999, 2.001])
        monkeypatch.setattr("app.common.db.time.monotonic", lambda: next(moments))
        monkeypatch.setattr("app.common.db.time.sleep", lambda _: None)
        monkeypatch.setattr(db, "_PAUSE", (0, 0))
        attempts = []

        def work(session: Session) -> None:
            attempts.append(1)
            raise DBAPIError("", None, _Contention())

        with monkeypatch.context() as without_database:
            without_database.setattr(db, "transaction", _no_transaction)
            with pytest.raises(Unavailable):
                retry_transaction(work)

        assert len(attempts) == 3

    @pytest.mark.parametrize("sqlstate", ["23505", "23514", "22012", "57014", "42P01"])
    def test_other_database_errors_are_not_retried(
        self, app: Flask, without_pauses: None, sqlstate: str
    ) -> None:
        attempts = []

        def work(session: Session) -> None:
            attempts.append(1)
            fail_with(session, sqlstate)

        with pytest.raises(DBAPIError):
            retry_transaction(work)

        assert len(attempts) == 1

    @pytest.mark.parametrize("error", [Conflict, RuntimeError])
    def test_other_exceptions_are_not_retried(
        self, app: Flask, without_pauses: None, error: type[Exception]
    ) -> None:
        attempts = []

        def work(session: Session) -> None:
            attempts.append(1)
            raise error

        with pytest.raises(error):
            retry_transaction(work)

        assert len(attempts) == 1

    def test_pauses_are_random_between_5_and_200_ms(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pauses: list[float] = []
        monkeypatch.setattr("app.common.db.time.sleep", pauses.append)

        with pytest.raises(Unavailable):
            retry_transaction(lambda session: fail_with(session, "40001"))

        assert len(pauses) == 7
        assert all(0.005 <= pause <= 0.2 for pause in pauses)
        assert len(set(pauses)) > 1

    def test_two_writers_of_one_row_both_succeed(self, committing: Flask) -> None:
        """The second one fails with 40001 and is retried."""
        user = factories.buyer("1.00")
        attempts = []

        def work(session: Session) -> int:
            attempts.append(1)
            held: int = session.scalar(
                text("SELECT held FROM wallets WHERE user_id = :id"), {"id": user.id}
            )
            if len(attempts) == 1:
                with transaction() as other:
                    other.execute(text("UPDATE wallets SET held = 50 WHERE kind = 'USER'"))
            session.execute(
                text("UPDATE wallets SET held = :new WHERE user_id = :id"),
                {"new": held + 1, "id": user.id},
            )
            return held + 1

        assert retry_transaction(work, serializable=True) == 51
        assert len(attempts) == 2


class _Contention(Exception):
    sqlstate = "40001"


class _no_transaction:  # noqa: N801 – replaces a function
    def __init__(self, *, serializable: bool) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


class TestLostConnection:
    def test_a_connection_lost_before_the_commit_is_retried(self, committing: Flask) -> None:
        attempts = []

        def work(session: Session) -> None:
            attempts.append(1)
            insert_row(session, f"attempt {len(attempts)}")
            if len(attempts) == 1:
                kill(session)
                session.execute(text("SELECT 1"))

        retry_transaction(work)

        assert rows() == ["attempt 2"]

    @pytest.mark.parametrize("serializable", [False, True])
    def test_a_connection_lost_during_the_commit_has_an_unknown_outcome_and_no_retry(
        self, committing: Flask, serializable: bool
    ) -> None:
        attempts = []

        def work(session: Session) -> None:
            attempts.append(1)
            insert_row(session)
            kill(session)

        with pytest.raises(OutcomeUnknown) as unknown:
            retry_transaction(work, serializable=serializable)

        assert len(attempts) == 1
        assert (unknown.value.status, unknown.value.code) == (500, "OUTCOME_UNKNOWN")

    def test_the_next_transaction_has_a_new_connection(self, committing: Flask) -> None:
        def work() -> None:
            with transaction() as session:
                kill(session)

        with pytest.raises(OutcomeUnknown):
            work()

        assert rows() == []

    def test_an_unreachable_database_is_unavailable(
        self, app: Flask, without_pauses: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nowhere = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
        monkeypatch.setitem(process_state._values, db.current.name, nowhere)

        with pytest.raises(Unavailable):
            retry_transaction(insert_row)


class TestErrors:
    def test_the_error_of_a_failed_statement_hides_its_parameters(self, app: Flask) -> None:
        with pytest.raises(DBAPIError) as error, transaction() as session:
            session.execute(text("SELECT CAST(:secret AS integer)"), {"secret": "hunter" + "2"})

        assert "parameters hidden" in str(error.value)

    def test_an_app_error_carries_text_details_and_headers(self) -> None:
        error = AppError("Text", details={"a": 1}, headers={"X": "y"})

        assert (error.text, error.details, error.headers) == ("Text", {"a": 1}, {"X": "y"})
        assert str(error) == "Text"


class TestSnapshot:
    def test_all_statements_read_the_same_snapshot(self, committing: Flask) -> None:
        with snapshot() as session:
            before = session.scalar(text("SELECT count(*) FROM outbox_events"))
            with transaction() as other:
                insert_row(other)
            assert session.scalar(text("SELECT count(*) FROM outbox_events")) == before
        assert rows() == ["here"]

    def test_it_is_neither_serializable_nor_able_to_write(self, committing: Flask) -> None:
        with snapshot() as session:
            assert session.scalar(text("SHOW transaction_isolation")) == "repeatable read"
            assert session.scalar(text("SHOW transaction_read_only")) == "on"
            with pytest.raises(DBAPIError, match="read-only transaction"):
                insert_row(session)

    def test_an_error_of_the_driver_is_one_of_the_database(self, committing: Flask) -> None:
        with pytest.raises(DBAPIError), snapshot() as session:
            send(session, "SELECT 1 / 0")

    def test_whole_tables_are_read_without_the_limits_of_requests(self, committing: Flask) -> None:
        with snapshot() as session:
            assert session.scalar(text("SHOW enable_seqscan")) == "off"
            plan_for_whole_tables(session)
            assert session.scalar(text("SHOW enable_seqscan")) == "on"
            assert session.scalar(text("SHOW statement_timeout")) == "0"

    def test_the_connection_writes_again_afterwards(self, committing: Flask) -> None:
        with snapshot() as session:
            plan_for_whole_tables(session)
            process = session.scalar(text("SELECT pg_backend_pid()"))
        with transaction() as session:
            assert session.scalar(text("SELECT pg_backend_pid()")) == process
            assert session.scalar(text("SHOW transaction_isolation")) == "read committed"
            assert session.scalar(text("SHOW enable_seqscan")) == "off"
            insert_row(session)
        assert rows() == ["here"]
