"""Sums are made anew, and what is old is deleted."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.common import db
from app.common.db import transaction
from app.common.settings import PROJECT_ROOT, Settings
from app.insights.transactions import service
from app.insights.transactions.models import COUNTS, TransactionDay, TransactionMinute
from app.retention import service as retention
from app.retention.tasks import prune
from tests import factories
from tests.clock import freeze_clock
from tests.concurrency import broken_invariants
from tests.insights.helpers import latest, purchase, refusal, relay, review

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=30, microsecond=0)


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze_clock(monkeypatch, NOON)


POSTED = "An approved transaction of the feed is what was posted"
Model = type[TransactionMinute | TransactionDay]


def rows(model: Model) -> list[tuple[Any, ...]]:
    with transaction() as session:
        found = session.scalars(select(model).order_by(model.starts_at, model.currency))
        names = ("starts_at", "currency", *COUNTS)
        return [tuple(getattr(row, name) for name in names) for row in found]


def execute(statement: str) -> None:
    with transaction() as session:
        session.execute(text(statement))


def sell_for(days: int) -> None:
    buyer, seller = factories.buyer(), factories.merchant()
    for number in range(days):
        at = NOON - number * DAY
        relay(
            purchase(buyer, seller, at=at, latencyMs=number),
            purchase(buyer, seller, at=at, currency="EUR", amount=number),
            refusal(buyer, at=at - MINUTE),
            review(buyer, at=at - 5 * MINUTE),
        )


def test_sums_that_are_made_anew_are_the_same(app: Flask) -> None:
    sell_for(4)
    before = rows(TransactionMinute), rows(TransactionDay)
    execute("UPDATE transaction_minutes SET approved = 77")
    execute("DELETE FROM transaction_days WHERE currency = 'EUR'")

    assert service.rebuild_sums() == (16, 8)

    assert (rows(TransactionMinute), rows(TransactionDay)) == before


def test_nothing_is_lost_of_days_of_which_transactions_are_deleted(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell_for(4)
    days = rows(TransactionDay)
    freeze_clock(monkeypatch, NOON + 28 * DAY + 2 * MINUTE)  # 30 days are kept
    assert prune() > 0
    assert {row.occurred_at.date() for row in latest()} == {
        (NOON - number * DAY).date() for number in (0, 1)
    }
    assert rows(TransactionDay) == days

    service.rebuild_sums()

    assert rows(TransactionDay) == days
    assert min(row[0] for row in rows(TransactionMinute)).date() == (NOON - DAY).date()


def test_a_transaction_is_deleted_no_sooner_than_the_sums_of_its_minute(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell_for(1)
    monkeypatch.setattr(retention, "BATCH_SIZE", 1)
    monkeypatch.setattr(retention, "_MAX_SECONDS", 0)  # one row of each table
    freeze_clock(monkeypatch, NOON + 31 * DAY)
    left = []
    for _ in range(3):
        prune()
        left.append((len(latest()), len(rows(TransactionMinute))))
        assert broken_invariants() == [POSTED]  # their orders do not exist
    # The last minute has two currencies, and stays.
    assert left == [(3, 3), (2, 2), (2, 2)]


def test_the_command_makes_them_anew(committing: Flask, settings: Settings) -> None:
    sell_for(2)
    execute("DELETE FROM transaction_minutes")
    url = db.current().engine.url.render_as_string(hide_password=False)
    environment = os.environ | {"DATABASE_URL": url, "REDIS_URL": str(settings.redis_url)}
    command = [sys.executable, "-m", "app.cli", "rebuild-insights"]
    result = subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, check=True, capture_output=True, text=True
    )
    assert result.stdout == "Made the sums of 8 minutes and 4 days.\n"
    assert broken_invariants() == [POSTED]
