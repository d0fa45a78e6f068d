"""Runs that check recent records only, and what a run leaves alone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from app.common import clock
from app.common.database import Database
from app.common.db import snapshot, transaction
from app.verify import repository
from app.verify.invariant import Scope
from app.verify.report import INVARIANTS, check, report, violations
from tests import factories, servers
from tests.verify.books import Books, using_database, without_constraints
from tests.verify.test_report import TOPICS

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
#: Tables with rows for every request that moves money.
GROWING = (
    "wallet_transactions",
    "journal_entries",
    "outbox_events",
    "orders",
    "idempotency_keys",
    "product_codes",
)


@pytest.mark.parametrize(
    "invariant",
    [one for one in INVARIANTS if not one.whole],
    ids=lambda invariant: invariant.name,
)
def test_an_incremental_run_reads_no_whole_history(invariant: object) -> None:
    scope = Scope.starting(BEGINNING)
    sql = scope.sql_of(invariant)  # type: ignore[arg-type]
    assert sql is not None
    if any(re.search(rf"\b{table}\b", sql) for table in GROWING):
        assert re.search(
            r":(first|related|recorded|since)\b|t\.sequence = w\.sequence"
            r"|t\.sequence( DESC)? LIMIT 1",
            sql,
        )


@pytest.mark.parametrize(
    ("name", "corruption"),
    [
        (invariant.name, topic.CORRUPTIONS[invariant.name])
        for invariant in INVARIANTS
        for topic in TOPICS
        if invariant.since_sql is not None and invariant.name in topic.CORRUPTIONS
    ],
)
def test_an_incremental_run_finds_the_same_corruption(
    books: Books, name: str, corruption: str
) -> None:
    assert name in books.broken_by(corruption, since=BEGINNING)


def test_consistent_books_have_no_violation_since_any_moment(books: Books) -> None:
    with using_database(Database(books.database.app_url)):
        now = clock.now()
        for since in (BEGINNING, now - timedelta(seconds=1), now, now + timedelta(days=1)):
            assert [found for found in violations(since) if found[1]] == []


@pytest.mark.parametrize("change", ["balance = balance + 1", "held = held + 1", "totals = '{}'"])
def test_a_wallet_that_was_changed_by_hand_is_found_by_every_run(books: Books, change: str) -> None:
    corruption = f"UPDATE wallets SET {change} WHERE user_id = '{{buyer}}'"
    assert books.broken_by(corruption, since=clock.now() + timedelta(days=1))


def test_only_records_since_then_are_checked(books: Books) -> None:
    corruption = "UPDATE orders SET unit_price = unit_price + 1"
    name = "An order's amount, fee and quantity are consistent"
    assert name in books.broken_by(corruption)
    assert name not in books.broken_by(corruption, since=clock.now() + timedelta(days=1))


@pytest.fixture
def apart(worker_app: Flask, worker_number: int) -> Iterator[servers.TestDatabase]:
    """A database of its own, on which the application runs."""
    with (
        servers.database(f"payment_flow_verified_{worker_number}") as made,
        using_database(Database(made.app_url)),
        worker_app.app_context(),
    ):
        yield made


class TestReport:
    def test_an_incremental_run_continues_the_last_successful_one(
        self, apart: servers.TestDatabase, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert report(incremental=True) == 0
        assert "among all records" in capsys.readouterr().out
        first = last_success()
        assert first is not None
        assert report(incremental=True) == 0
        since = clock.format_timestamp(first - timedelta(hours=1))
        assert f"among records since {since}" in capsys.readouterr().out
        second = last_success()
        assert second is not None
        assert second > first

    def test_a_failed_or_partial_run_is_no_checkpoint(self, apart: servers.TestDatabase) -> None:
        assert report(since=clock.now()) == 0
        assert last_success() is None
        factories.buyer()
        with without_constraints(apart.owner_url) as connection:
            connection.execute(text("DELETE FROM wallets WHERE kind = 'USER'"))
            connection.commit()
        assert report() == 1
        assert last_success() is None

    def test_a_read_only_database_can_be_verified(
        self, apart: servers.TestDatabase, capsys: pytest.CaptureFixture[str]
    ) -> None:
        owner = create_engine(apart.owner_url, isolation_level="AUTOCOMMIT")
        name = owner.url.database
        with owner.connect() as connection:
            connection.execute(
                text(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            )
        owner.dispose()
        with using_database(Database(apart.app_url)):
            assert report(incremental=True) == 0
            assert last_success() is None
        assert f"All {len(INVARIANTS)} invariants hold" in capsys.readouterr().out


def test_a_run_delays_no_writer(committing: Flask) -> None:
    factories.buyer("10.00")
    with snapshot() as session:
        assert [result for result in check(session, Scope.starting(None)) if result.rows] == []
        locks = session.execute(
            text("SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid()")
        )
        assert {mode for (mode,) in locks} == {"AccessShareLock", "ExclusiveLock"}  # its own xid
        assert not repository.is_read_only(session)
        factories.buyer("10.00")


def last_success() -> datetime | None:
    with transaction() as session:
        return repository.get_last_success(session)
