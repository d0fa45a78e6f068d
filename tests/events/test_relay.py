"""What the relay delivers, in which order, and what it does with what cannot be delivered."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import timedelta
from uuid import UUID, uuid5

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.events.handlers import Handler
from app.events.models import EventCount, EventSink, HeldEvent
from app.events.relay import service
from app.events.sinks import SinkUnavailable, StoredEvent
from tests.clock import freeze_clock
from tests.events.relaying import Recorder, activate, deliver_all, event_of, record

pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def sink() -> Recorder:
    return Recorder()


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Sets the clock forward."""
    now = clock.now()

    def advance(by: timedelta) -> None:
        nonlocal now
        now += by
        freeze_clock(monkeypatch, now)

    return advance


def progress(name: str = "recorder") -> EventSink:
    with transaction() as session:
        return session.scalars(select(EventSink).where(EventSink.name == name)).one()


def closes_its_gaps(sink: Recorder) -> bool:
    """Whether a sink stops looking for what nothing can insert any more.

    That is certain once all transactions of the server have ended, those of other tests included.
    """
    ends_at = time.monotonic() + 30
    while progress().gaps and time.monotonic() < ends_at:
        deliver_all(sink)
    return progress().gaps == []


def held() -> list[HeldEvent]:
    with transaction() as session:
        return list(session.scalars(select(HeldEvent).order_by(HeldEvent.sequence)))


class TestOrder:
    def test_a_sink_receives_every_event_once(self, sink: Recorder) -> None:
        ids = [new_id() for _ in range(3)]
        record(*ids)
        record(ids[0])

        deliver_all(sink)
        deliver_all(sink)

        assert sink.seen == [(ids[0], 1), (ids[1], 1), (ids[2], 1), (ids[0], 2)]

    def test_more_events_than_a_batch(
        self, sink: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "BATCH_SIZE", 10)
        licence = new_id()
        for _ in range(7):
            record(*[licence] * 5)

        deliver_all(sink)

        assert sink.seen == [(licence, n) for n in range(1, 36)]

    def test_nothing_that_was_rolled_back(self, sink: Recorder) -> None:
        with undone(), transaction() as session:
            activate(session, new_id())
            raise ZeroDivisionError
        record(kept := new_id())

        deliver_all(sink)
        assert sink.seen == [(kept, 1)]
        assert closes_its_gaps(sink)

    def test_a_transaction_that_is_open_for_many_turns_is_not_skipped(self, sink: Recorder) -> None:
        slow, quick = new_id(), new_id()
        with transaction() as open_one:
            activate(open_one, slow, slow)
            for turn in range(1, 20):
                record(quick)
                deliver_all(sink)
                assert sink.seen == [(quick, n) for n in range(1, turn + 1)]
            assert len(progress().gaps) == 1

        deliver_all(sink)

        assert sink.seen[-2:] == [(slow, 1), (slow, 2)]
        assert len(sink.seen) == 21
        assert closes_its_gaps(sink)

    def test_late_events_beyond_a_batch_come_before_their_successors(
        self, sink: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "BATCH_SIZE", 4)
        slow = new_id()
        with transaction() as open_one:
            activate(open_one, *[slow] * 11)
            record(new_id())
            deliver_all(sink)
        record(slow)

        deliver_all(sink)

        assert sink.seen[1:] == [(slow, n) for n in range(1, 13)]

    @pytest.mark.parametrize("seed", range(3))
    def test_transactions_that_overlap_at_random(
        self, committing: Flask, sink: Recorder, seed: int
    ) -> None:
        """Some are rolled back, all write to few aggregates, and the relay reads all the time."""
        licences = [new_id() for _ in range(5)]
        done = threading.Event()

        def write(number: int) -> None:
            chance = random.Random(f"{seed} {number}")
            with committing.app_context():
                for _ in range(15):
                    with ExitStack() as stack:
                        stack.enter_context(undone())
                        session = stack.enter_context(transaction())
                        for licence in sorted(chance.sample(licences, 2)):
                            activate(session, licence)
                        done.wait(chance.random() / 200)
                        if chance.random() < 0.3:
                            raise ZeroDivisionError

        def read() -> None:
            while not done.is_set():
                deliver_all(sink)

        reader = threading.Thread(target=read)
        reader.start()
        writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        done.set()
        reader.join()
        deliver_all(sink)

        with transaction() as session:
            expected = session.execute(
                text("SELECT aggregate_id, version FROM outbox_events")
            ).all()
        assert sorted(sink.seen) == sorted(tuple(row) for row in expected)
        for licence in licences:
            versions = [version for aggregate, version in sink.seen if aggregate == licence]
            assert versions == list(range(1, len(versions) + 1))

    def test_events_without_a_version_are_not_delivered(self, sink: Recorder) -> None:
        """They were recorded by an older version of the application."""
        record(new_id())
        with transaction() as session:
            session.execute(text("SELECT as_owner('UPDATE outbox_events SET version = NULL')"))
        record(after := new_id())

        assert deliver_all(sink).seen == [(after, 1)]


class TestSinks:
    def test_each_has_its_own_progress(self, sink: Recorder) -> None:
        away = Recorder("away", is_away=True)
        record(first := new_id())
        service.add_sink(away)

        for _ in range(2):
            with pytest.raises(SinkUnavailable):
                service.deliver(away)
        deliver_all(sink)
        assert sink.seen == [(first, 1)]
        assert (progress("away").problem, progress("away").position) == ("It is away.", 0)

        away.is_away = False
        deliver_all(away)
        assert away.seen == [(first, 1)]
        assert progress("away").problem is None

    def test_only_types_that_it_wants(self) -> None:
        record(new_id())
        other = Recorder("other", types=["order-completed"])

        deliver_all(other)

        assert other.seen == []
        assert progress("other").position > 0

    def test_one_relay_at_a_time_serves_it(self, sink: Recorder) -> None:
        record(new_id())
        service.add_sink(sink)
        with transaction() as session:
            session.execute(select(EventSink).with_for_update())

            assert not service.deliver(sink)
            assert sink.seen == []

        assert deliver_all(sink).seen


class TestFailures:
    @pytest.fixture(autouse=True)
    def few_attempts(self) -> Iterator[None]:
        before = service.max_attempts()
        service.max_attempts.configure(3)
        yield
        service.max_attempts.configure(before)

    def test_a_poison_event_blocks_only_its_own_aggregate(
        self, sink: Recorder, wait: Callable[[timedelta], None]
    ) -> None:
        poisoned, healthy = new_id(), new_id()
        record(poisoned)
        sink.refused.add(event_of(poisoned))
        record(poisoned, healthy)

        deliver_all(sink)
        record(poisoned, healthy)
        deliver_all(sink)

        assert sink.seen == [(healthy, 1), (healthy, 2)]
        assert [row.status for row in held()] == ["RETRYING", "WAITING", "WAITING"]

        for _ in range(2):
            wait(timedelta(minutes=11))
            deliver_all(sink)
        assert next((row.status, row.attempts) for row in held()) == ("PARKED", 3)
        wait(timedelta(days=1))
        deliver_all(sink)
        assert sink.seen == [(healthy, 1), (healthy, 2)]

    def test_an_event_that_succeeds_later_is_followed_by_those_that_waited(
        self, sink: Recorder, wait: Callable[[timedelta], None]
    ) -> None:
        licence = new_id()
        record(licence)
        sink.refused.add(event_of(licence))
        record(licence, licence)
        deliver_all(sink)

        sink.refused.clear()
        deliver_all(sink)
        assert sink.seen == []
        wait(timedelta(seconds=2))
        record(licence)
        deliver_all(sink)

        assert sink.seen == [(licence, n) for n in range(1, 5)]
        assert held() == []

    def test_the_next_event_that_fails_has_attempts_of_its_own(
        self, sink: Recorder, wait: Callable[[timedelta], None]
    ) -> None:
        licence = new_id()
        record(licence)
        first = event_of(licence)
        record(licence)
        sink.refused |= {first, event_of(licence)}
        deliver_all(sink)

        sink.refused.remove(first)
        wait(timedelta(seconds=2))
        deliver_all(sink)

        assert [(row.status, row.attempts) for row in held()] == [("RETRYING", 1)]


class TestHandlers:
    def test_what_it_does_is_done_once_with_the_progress(self) -> None:
        """A relay that is killed before the commit has done nothing."""
        record(licence := new_id())
        service.add_sink(handler := Handler("handler", count))

        with pytest.raises(KeyboardInterrupt):
            service.deliver(Handler("handler", count_and_die))
        assert counted(licence) == 0

        for _ in range(3):
            service.deliver(handler)
        assert counted(licence) == 1

    def test_an_event_that_fails_spoils_no_other(self) -> None:
        bad, good = new_id(), new_id()
        record(bad, good)
        record(bad, good)

        def handle(session: Session, events: Sequence[StoredEvent]) -> None:
            count(session, events)
            if any(event.aggregate_id == bad for event in events):
                raise ZeroDivisionError

        service.add_sink(handler := Handler("handler", handle))
        service.deliver(handler)

        assert (counted(bad), counted(good)) == (0, 2)
        assert [(row.status, row.reason) for row in held()] == [
            ("RETRYING", "ZeroDivisionError"),
            ("WAITING", None),
        ]

    def test_a_database_that_fails_is_no_failure_of_the_event(self) -> None:
        record(new_id())

        def handle(session: Session, _: Sequence[StoredEvent]) -> None:
            session.execute(text("SET LOCAL lock_timeout = '10ms'"))
            session.execute(text("SELECT pg_advisory_xact_lock(1)"))

        service.add_sink(handler := Handler("handler", handle))
        with transaction() as other:
            other.execute(text("SELECT pg_advisory_xact_lock(1)"))
            with pytest.raises(DBAPIError):
                service.deliver(handler)

        assert held() == []
        assert progress("handler").position == 0


def count(session: Session, events: Sequence[StoredEvent]) -> None:
    """A handler whose effects can be counted: it is not told how often it has been called."""
    for event in events:
        session.execute(
            text("""
                INSERT INTO event_counts (aggregate_id, events) VALUES (:id, 1)
                ON CONFLICT (aggregate_id) DO UPDATE SET events = event_counts.events + 1
            """),
            {"id": effect_of(event.aggregate_id)},
        )


def count_and_die(session: Session, events: Sequence[StoredEvent]) -> None:
    count(session, events)
    raise KeyboardInterrupt


def effect_of(aggregate_id: UUID) -> UUID:
    return uuid5(aggregate_id, "effect")


def counted(aggregate_id: UUID) -> int:
    with transaction() as session:
        found = session.get(EventCount, effect_of(aggregate_id))
        return found.events if found else 0


def undone() -> AbstractContextManager[None]:
    return suppress(ZeroDivisionError)
