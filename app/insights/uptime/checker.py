"""Checks whether requests can be served, as a load balancer would, and records it."""

import threading
from typing import Final

import structlog
import urllib3

from app.common import clock
from app.common.db import retry_transaction
from app.insights.uptime import service

#: Between two checks. Several are made in each minute, and the worst one counts.
CHECK_SECONDS: Final = 10.0
_TIMEOUT: Final = urllib3.Timeout(connect=2, read=3)
#: Minutes that are kept while they cannot be stored, because the database is away.
_MAX_WAITING: Final = 24 * 60

_log = structlog.get_logger()


class Checker:
    """Checks the readiness that `url` reports. record: stores the checks of minutes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._waiting: dict[int, bool] = {}

    def run(self, until: threading.Event) -> None:
        """Check every few seconds."""
        while not until.wait(CHECK_SECONDS):
            self.check()

    def check(self) -> None:
        """Check once, and store it with what could not be stored before."""
        minute = service.minute_of(clock.now())
        self._waiting[minute] = self._is_ready() and self._waiting.get(minute, True)
        while len(self._waiting) > _MAX_WAITING:
            del self._waiting[min(self._waiting)]
        checks = dict(self._waiting)
        try:
            retry_transaction(lambda session: service.record(session, checks))
        except Exception as error:  # it is tried again with the next check
            _log.info("readiness_not_recorded", error=type(error).__name__)
        else:
            self._waiting.clear()

    def _is_ready(self) -> bool:
        try:
            return self._http.request("GET", self._url).status == 200
        except urllib3.exceptions.HTTPError:
            return False


def start(url: str) -> None:
    """Check in a thread of this process, for as long as it lives."""
    threading.Thread(target=Checker(url).run, args=(threading.Event(),), daemon=True).start()
