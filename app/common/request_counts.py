"""Counts of the requests that this process has answered, by minute and duration.

They stay in memory until somebody takes them to store them (app.insights.requests).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, NamedTuple

from app.common import clock, metrics
from app.common.durations import BOUNDS
from app.common.process_state import Slot

#: A larger body is received while the application runs, so the client decides how long that takes.
_MAX_BODY: Final = 64 * 1024
#: For Prometheus, which counts all requests since the start.
_ANSWERED: Final = metrics.counter(
    "payment_flow_answered_requests_total",
    "Requests that were answered, by whether with a status of 500 or more, and later than"
    " SLO_LATENCY_MS",
    "failed",
    "slow",
)
# Created in advance: a rate needs the zero before the first increment.
_BY_OUTCOME: Final = {
    (failed, slow): _ANSWERED.labels(str(failed).lower(), str(slow).lower())
    for failed in (False, True)
    for slow in (False, True)
}
#: Minutes that are kept while nobody takes them, such as while the database is away.
_MAX_MINUTES: Final = 24 * 60


class Bucket(NamedTuple):
    """minute: since 1970; duration: index of the first of BOUNDS that was not exceeded."""

    minute: int
    duration: int


@dataclass(slots=True)
class Count:
    """errors: those of the requests that were answered with a status of 500 or more."""

    requests: int = 0
    errors: int = 0


class RequestCounts:
    """Counts requests, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[Bucket, Count] = {}

    def observe(self, *, seconds: float, status: int) -> None:
        bucket = Bucket(_minute(), bisect_left(BOUNDS, seconds * 1000))
        with self._lock:
            count = self._counts.setdefault(bucket, Count())
            count.requests += 1
            count.errors += status >= 500

    def take(self) -> dict[Bucket, Count]:
        """What was counted since it was taken last."""
        with self._lock:
            taken, self._counts = self._counts, {}
        return taken

    def put_back(self, taken: Mapping[Bucket, Count]) -> None:
        """Count what could not be stored again, unless it is a day old."""
        oldest = _minute() - _MAX_MINUTES
        with self._lock:
            for bucket, count in _since(oldest, taken):
                found = self._counts.setdefault(bucket, Count())
                found.requests += count.requests
                found.errors += count.errors


#: After how many milliseconds a request is slow.
slow_after: Final[Slot[int]] = Slot("duration of slow requests", default=500)
#: The counts of this process; None where nobody stores them.
counts: Final[Slot[RequestCounts | None]] = Slot("counts of requests", default=None)


def observe(environ: Mapping[str, Any], *, seconds: float, status: int) -> None:
    """Count a request of a client, unless its body is so large that the client decides how long it
    takes. environ: of WSGI."""
    counted = counts()
    if counted is None:
        return
    path, size = environ["PATH_INFO"], environ.get("CONTENT_LENGTH") or ""
    is_probe = path.startswith("/health/") or path == "/metrics"
    if not is_probe and not (size.isdecimal() and int(size) > _MAX_BODY):
        counted.observe(seconds=seconds, status=status)
        _BY_OUTCOME[status >= 500, seconds * 1000 > slow_after()].inc()


def _minute() -> int:
    return int(clock.now().timestamp()) // 60


def _since(minute: int, counts: Mapping[Bucket, Count]) -> Iterable[tuple[Bucket, Count]]:
    return ((bucket, count) for bucket, count in counts.items() if bucket.minute >= minute)
