"""Checks of what requests need, each with a time limit."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from app.common import cache, db, deadline, schema_version
from app.common.process_state import Handlers
from app.health import repository

#: Seconds for all checks together: probes wait for a second at least.
_CHECK_SECONDS: Final = 0.8

Statuses = dict[str, str]

#: Services that requests can do without, by name: the status of each, `away` while it is.
services: Final[Handlers[str, Callable[[], str]]] = Handlers("states of services")


def check_all() -> Statuses:
    """The status of the database, its schema and Redis, and of services whose circuits Redis knows.

    Takes less than a second.
    """
    # Both are started before either is awaited.
    database, redis = _database.start(), _redis.start()
    ends_at = time.monotonic() + _CHECK_SECONDS
    return {
        **_result(database, ends_at, otherwise={"database": "away", "migrations": "unknown"}),
        **_result(redis, ends_at, otherwise={"redis": "away"}),
    }


class _Check:
    """A check in a thread of its own: what it asks may hang longer than its caller can wait.

    Only one runs at a time, however often it is started.
    """

    def __init__(self, run: Callable[[], Statuses]) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._running: Future[Statuses] | None = None

    def start(self) -> "Future[Statuses]":
        with self._lock:
            if self._running is None or self._running.done():
                result: Future[Statuses] = Future()
                threading.Thread(target=self._complete, args=(result,), daemon=True).start()
                self._running = result
            return self._running

    def _complete(self, result: "Future[Statuses]") -> None:
        try:
            with deadline.within(_CHECK_SECONDS):
                result.set_result(self._run())
        except Exception as error:
            result.set_exception(error)


def _result(check: "Future[Statuses]", ends_at: float, *, otherwise: Statuses) -> Statuses:
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
    return {"redis": "ok", **{name: services[name]() for name in services}}


_database: Final = _Check(_database_status)
_redis: Final = _Check(_redis_status)
