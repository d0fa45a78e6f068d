"""Moments of a row are in order, whatever the clock does."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import DateTime, text

import app.models  # noqa: F401 – every table is known
from app.common import clock
from app.common.columns import BEGINNINGS, MOMENTS
from app.common.db import Base, transaction
from tests.concurrency import broken_invariants
from tests.verify.books import create_records

#: Columns with times that users or schedules set.
PLANNED = {
    "checked_since",
    "ends_at",
    "expires_at",
    "full_at",
    "next_attempt_at",
    "paused_until",
    "review_at",
    "snoozed_until",
    "starts_at",
}
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)

#: Table, beginning and moment: every pair of one row.
PAIRS = [
    (table.name, beginning, moment)
    for table in Base.metadata.sorted_tables
    for beginning in BEGINNINGS
    for moment in MOMENTS
    if beginning in table.columns and moment in table.columns
    # The time of the wallet's last posting, which comes after the posting before it.
    if (table.name, moment) != ("wallets", "updated_at")
]


def test_every_time_is_a_beginning_a_moment_or_planned() -> None:
    times = {
        column.name
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, DateTime)
    }
    assert times == {*BEGINNINGS, *MOMENTS, *PLANNED}


MAPPERS: dict[str, Any] = {mapper.class_.__name__: mapper for mapper in Base.registry.mappers}


@pytest.mark.parametrize("name", sorted(MAPPERS))
def test_no_moment_of_a_row_precedes_another(name: str) -> None:
    mapper = MAPPERS[name]
    begun = [name for name in BEGINNINGS if name in mapper.columns]
    moments = [name for name in MOMENTS if name in mapper.columns]
    row = mapper.class_(**dict.fromkeys(begun, NOON))
    for number, moment in enumerate(moments):
        earlier = NOON - timedelta(hours=1)
        setattr(row, moment, earlier)
        assert getattr(row, moment) == (NOON if begun or number else earlier)
        setattr(row, moment, None)
        assert getattr(row, moment) is None
        setattr(row, moment, NOON)


@pytest.fixture
def backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set back by five milliseconds whenever it is read."""
    start = clock.now()
    reads = count()
    monkeypatch.setattr(clock, "now", lambda: start - timedelta(milliseconds=5 * next(reads)))


def test_a_clock_that_is_set_back_breaks_nothing(app: Flask, backwards: None) -> None:
    create_records(app)

    with transaction() as session:
        wrong = {
            (table, beginning, moment)
            for table, beginning, moment in PAIRS
            if session.scalar(text(f"SELECT bool_or({moment} < {beginning}) FROM {table}"))
        }
    assert wrong == set()
    assert broken_invariants() == []
