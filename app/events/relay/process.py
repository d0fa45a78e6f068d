"""The process of the relay: a thread for each sink, which PostgreSQL wakes for new events."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import psycopg
import structlog

from app.common import connections
from app.common.backoff import Backoff
from app.events.models import CHANNEL
from app.events.relay import service
from app.events.sinks import Sink, SinkUnavailable

#: The time to a sink's next turn when nothing wakes it, such as for events to be tried again.
_TURN_SECONDS: Final = 1.0
#: How often the listening thread looks whether it is to stop.
_LISTEN_SECONDS: Final = 1.0
#: Time between two turns of a sink, in which events gather.
_GATHER_SECONDS: Final = 0.05
#: How often the process tells that it works.
_REPORT_SECONDS: Final = 15.0
_BACKOFF: Final = Backoff(timedelta(seconds=0.5), timedelta(seconds=30))

_log = structlog.get_logger()


def run(
    sinks: Sequence[Sink],
    *,
    listen_url: str,
    stop: threading.Event,
    report: Callable[[], None],
) -> None:
    """Deliver events to all sinks until `stop` is set.

    listen_url: a database URL that leads to PostgreSQL itself, not through a transaction pooler;
    report: called regularly while every thread works.
    """
    turns = [_Turns(sink, stop) for sink in sinks]
    threads = [threading.Thread(target=each.run, name=each.name) for each in turns]
    for thread in threads:
        thread.start()
    report()
    listener = threading.Thread(target=_listen, args=(listen_url, turns, stop), daemon=True)
    listener.start()
    while all(thread.is_alive() for thread in threads) and not stop.wait(_REPORT_SECONDS):
        report()
    stop.set()
    for each in turns:
        each.wake.set()
    for thread in threads:
        thread.join()


def _listen(url: str, turns: "Sequence[_Turns]", stop: threading.Event) -> None:
    """Wake the sinks whenever events are recorded. Without a connection they only poll."""
    failures = 0
    while not stop.is_set():
        try:
            with connections.listen(url, CHANNEL) as connection:
                failures = 0
                is_notified = True  # perhaps before it listened
                while not stop.is_set():
                    if is_notified:
                        for each in turns:
                            each.wake.set()
                        stop.wait(_GATHER_SECONDS)
                    found = connection.notifies(timeout=_LISTEN_SECONDS, stop_after=1)
                    is_notified = bool(list(found))
        except psycopg.Error as error:
            _log.warning("relay_not_listening", reason=str(error))
            stop.wait(_BACKOFF.delay(failures).total_seconds())
            failures += 1


class _Turns:
    """The turns of one sink. wake: set when there may be events."""

    def __init__(self, sink: Sink, stop: threading.Event) -> None:
        self.name = f"relay {sink.name}"
        self.wake = threading.Event()
        self._sink = sink
        self._stop = stop

    def run(self) -> None:
        failures = 0
        is_known = False
        while not self._stop.is_set():
            try:
                if not is_known:
                    service.add_sink(self._sink)
                    is_known = True
                has_more = service.deliver(self._sink)
            except SinkUnavailable as error:
                _log.warning("sink_unavailable", sink=self._sink.name, reason=str(error))
            except Exception:
                _log.exception("relay_failed", sink=self._sink.name)
            else:
                failures = 0
                if not has_more:
                    self._stop.wait(_GATHER_SECONDS)
                    self.wake.wait(_TURN_SECONDS)
                    self.wake.clear()
                continue
            is_known = False  # while it fails, an administrator may delete it
            self._stop.wait(_BACKOFF.delay(failures).total_seconds())
            failures += 1
