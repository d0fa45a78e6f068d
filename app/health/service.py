"""Checks of what requests need, and reports of modules, each with a time limit."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from app.common import cache, circuit, db, deadline, schema_version
from app.common.metrics import Gauge
from app.common.process_state import Handlers
from app.health import repository

T = TypeVar("T")

#: Seconds for all checks together: probes wait for a second at least.
_CHECK_SECONDS: Final = 0.8

Statuses = dict[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """What a module reports. status: `ok`, or what is wrong that does not keep requests from being
    served; gauges: numbers for the metrics."""

    status: str
    gauges: Sequence[Gauge] = ()


#: Functions that return further gauges, by name. Each reads little.
gauge_sources: Final[Handlers[str, Callable[[], Sequence[Gauge]]]] = Handlers("sources of gauges")

#: Reports by name. Each reads little, and only from indexes.
reports: Final[Handlers[str, Callable[[], Report]]] = Handlers("health reports")

_log = structlog.get_logger()


def check_all() -> Statuses:
    """The status of the database, its schema and Redis, and of each report. Takes less than a
    second."""
    # All are started before any is awaited.
    database, redis, reported = _database.start(), _redis.start(), _reports.start()
    ends_at = time.monotonic() + _CHECK_SECONDS
    of_database = _result(database, ends_at, {"database": "away", "migrations": "unknown"})
    of_redis = _result(redis, ends_at, {"redis": "away"})
    found = _result(reported, ends_at, {})
    of_reports = {name: found[name].status if name in found else "unknown" for name in reports}
    return of_database | of_redis | of_reports


def gauges() -> list[Gauge]:
    """The gauges of the reports, none while the database is away, and of the sources. Takes less
    than a second."""
    reported, read = _reports.start(), _sources.start()
    ends_at = time.monotonic() + _CHECK_SECONDS
    of_reports = _result(reported, ends_at, {})
    of_sources = _result(read, ends_at, [])
    return [*(gauge for report in of_reports.values() for gauge in report.gauges), *of_sources]


def report_circuit(name: str) -> Report:
    """Whether a service that requests do not need answers, by its circuit breaker."""
    cache.client().ping()  # where the state is
    is_closed = circuit.is_closed(name)
    gauge = Gauge(
        "payment_flow_circuit_closed",
        "Whether a service answers (1), or its circuit breaker is open (0)",
        "circuit",
        {name: int(is_closed)},
    )
    return Report("ok" if is_closed else "away", (gauge,))


class _Check(Generic[T]):
    """A check in a thread of its own: what it asks may hang longer than its caller can wait.

    Only one runs at a time, however often it is started.
    """

    def __init__(self, run: Callable[[], T]) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    def start(self) -> "Future[T]":
        with self._lock:
            if self._running is None or self._running.done():
                result: Future[T] = Future()
                threading.Thread(target=self._complete, args=(result,), daemon=True).start()
                self._running = result
            return self._running

    def _complete(self, result: "Future[T]") -> None:
        try:
            with deadline.within(_CHECK_SECONDS):
                result.set_result(self._run())
        except Exception as error:
            result.set_exception(error)


def _result(check: "Future[T]", ends_at: float, otherwise: T) -> T:
    try:
        return check.result(max(ends_at - time.monotonic(), 0))
    except Exception:
        return otherwise


def _database_status() -> Statuses:
    with db.current().health() as session:
        repository.ping(session)
        return {"database": "ok", "migrations": _migrations_status(session)}


def _migrations_status(session: Session) -> str:
    try:
        revision = repository.get_revision(session)
    except ProgrammingError:  # there is no such table
        return "missing"
    return schema_version.status_of(revision)


def _redis_status() -> Statuses:
    cache.client().ping()
    return {"redis": "ok"}


def _report_all() -> dict[str, Report]:
    """The reports; those that fail are missing."""
    found: dict[str, Report] = {}
    for name in reports:
        try:
            found[name] = reports[name]()
        except Exception as error:
            _log.warning("health_report_failed", report=name, error=type(error).__name__)
    return found


def _read_sources() -> list[Gauge]:
    """Their gauges; those that fail are missing."""
    found: list[Gauge] = []
    for name in gauge_sources:
        try:
            found += gauge_sources[name]()
        except Exception as error:
            _log.warning("gauges_not_read", source=name, error=type(error).__name__)
    return found


_database: Final = _Check(_database_status)
_redis: Final = _Check(_redis_status)
_sources: Final = _Check(_read_sources)
_reports: Final = _Check(_report_all)
