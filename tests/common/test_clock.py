"""One clock for every host: that of the database."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from app.common import clock, db

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Host:
    """A host: its counter, and how long the database takes to answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counter = 1000.0
        monkeypatch.setattr(clock, "_count", lambda: self.counter)
        clock._reading.configure(None)

    def read(self, moment: datetime, *, takes: float = 0.0) -> None:
        def answer() -> datetime:
            self.counter += takes
            return moment

        clock.synchronize(answer)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


class TestNow:
    def test_without_a_database_it_is_the_time_of_the_host(self, host: Host) -> None:
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)

    def test_it_is_the_time_of_the_database_and_goes_on_by_the_counter(self, host: Host) -> None:
        host.read(NOON)
        assert clock.now() == NOON
        host.counter += 90
        assert clock.now() == NOON + timedelta(seconds=90)

    def test_the_clock_of_the_host_has_no_effect(
        self, host: Host, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        host.read(NOON)
        monkeypatch.setattr("app.common.clock.datetime", None)
        assert clock.now() == NOON

    def test_an_answer_is_from_the_middle_of_the_time_it_took(self, host: Host) -> None:
        host.read(NOON, takes=0.4)
        assert clock.now() == NOON + timedelta(seconds=0.2)


class TestSynchronize:
    def test_a_slow_answer_does_not_replace_a_better_one(self, host: Host) -> None:
        host.read(NOON)
        host.counter += 60
        host.read(NOON + timedelta(seconds=60), takes=3)
        assert clock.now() == NOON + timedelta(seconds=63)

    def test_another_clock_replaces_it_however_slow(self, host: Host) -> None:
        host.read(NOON)
        host.read(NOON - timedelta(hours=1), takes=2)
        assert clock.now() == NOON - timedelta(hours=1) + timedelta(seconds=1)

    def test_a_better_answer_corrects_the_drift(self, host: Host) -> None:
        host.read(NOON)
        host.counter += 100
        host.read(NOON + timedelta(seconds=100.01))
        assert clock.now() == NOON + timedelta(seconds=100.01)

    def test_it_is_due_after_a_minute(self, host: Host) -> None:
        assert clock.is_stale()
        host.read(NOON)
        host.counter += 60
        assert not clock.is_stale()
        host.counter += 1
        assert clock.is_stale()


def test_a_process_reads_the_clock_of_the_database(committing: Flask) -> None:
    clock._reading.configure(clock.Reading(NOON, clock._count() - 3600, 0))
    with db.reading() as session:
        theirs = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    assert not clock.is_stale()
    assert abs(clock.now() - theirs) < timedelta(seconds=1)
