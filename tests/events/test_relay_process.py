"""The process of the relay: what wakes it, and how it ends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask

from app.common import db
from app.common.ids import new_id
from app.events.relay import process
from tests.events.relaying import Recorder, record
from tests.live import wait_until


@contextmanager
def relay(*sinks: Recorder, listen_url: str | None = None) -> Iterator[threading.Event]:
    """A running relay. It is stopped at the end, which must not take long."""
    stop = threading.Event()
    url = listen_url or db.current().engine.url.render_as_string(hide_password=False)
    thread = threading.Thread(
        target=process.run,
        args=(sinks,),
        kwargs={"listen_url": url, "stop": stop, "report": lambda: None},
    )
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_commit_with_events_wakes_it(committing: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_TURN_SECONDS", 600.0)
    sink = Recorder()
    with relay(sink):
        for number in range(1, 6):
            record(new_id())
            wait_until(lambda number=number: len(sink.seen) == number)  # type: ignore[misc]


def test_it_polls_without_notifications(committing: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as behind a transaction pooler, or while that connection is lost."""
    monkeypatch.setattr(process, "_TURN_SECONDS", 0.1)
    sink = Recorder()
    with relay(sink, listen_url="postgresql://nobody@127.0.0.1:1/nothing"):
        record(new_id())
        wait_until(lambda: len(sink.seen) == 1)
        record(new_id())
        wait_until(lambda: len(sink.seen) == 2)


def test_a_sink_that_is_away_delays_no_other(committing: Flask) -> None:
    away, other = Recorder("away", is_away=True), Recorder("other")
    with relay(away, other):
        record(first := new_id())
        wait_until(lambda: other.seen == [(first, 1)])
        away.is_away = False
        wait_until(lambda: away.seen == [(first, 1)])


def test_relays_side_by_side_deliver_each_event_once(committing: Flask) -> None:
    sink = Recorder()
    with relay(sink), relay(sink), relay(sink):
        ids = [new_id() for _ in range(30)]
        for each in ids:
            record(each)
        wait_until(lambda: len(sink.seen) >= 30)
    assert sink.seen == [(each, 1) for each in ids]
