"""Stores what web processes have counted, and reads it.

A process stores its counts every few seconds, in one transaction of two statements: a request costs
an addition in memory.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final

import structlog
from sqlalchemy.orm import Session

from app.common import clock, request_counts
from app.common.db import retry_transaction
from app.common.durations import BOUNDS
from app.common.request_counts import Bucket, Count, RequestCounts
from app.insights.requests import repository
from app.insights.requests.models import RequestHour, RequestMinute

_STORE_SECONDS: Final = 10.0
#: Longer windows begin with an hour, shorter ones with a minute.
_MAX_OF_MINUTES: Final = timedelta(hours=6)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_log = structlog.get_logger()


@contextmanager
def counted() -> Iterator[None]:
    """A block in which this process counts its requests, and stores the counts now and then."""
    counts = RequestCounts()
    request_counts.counts.configure(counts)
    stop = threading.Event()
    thread = threading.Thread(target=_store_regularly, args=(counts, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_STORE_SECONDS)


def _store_regularly(counts: RequestCounts, stop: threading.Event) -> None:
    while not stop.wait(_STORE_SECONDS):
        store(counts)
    store(counts)


def store(counts: RequestCounts) -> None:
    """Store what was counted. What cannot be stored stays counted."""
    taken = counts.take()
    if not taken:
        return
    try:
        retry_transaction(lambda session: _add(session, taken))
    except Exception as error:  # the database is away, and requests say so
        counts.put_back(taken)
        _log.info("request_counts_not_stored", error=type(error).__name__)


def _add(session: Session, counts: Mapping[Bucket, Count]) -> None:
    for model, minutes in ((RequestMinute, 1), (RequestHour, 60)):
        sums: dict[tuple[int, int], Count] = defaultdict(Count)
        for bucket, count in counts.items():
            found = sums[bucket.minute // minutes * minutes, bucket.duration]
            found.requests += count.requests
            found.errors += count.errors
        rows = [
            {
                "starts_at": _EPOCH + minute * _MINUTE,
                "duration": duration,
                "requests": count.requests,
                "errors": count.errors,
            }
            for (minute, duration), count in sums.items()
        ]
        repository.add(session, model, rows)


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of a window. by_duration: those that exceeded no bound up to the one with this
    index, and one more for all others."""

    since: datetime
    total: int
    errors: int
    by_duration: Sequence[int]

    def percentile(self, share: float) -> float | None:
        """The duration in milliseconds that a share of the requests did not exceed; None without
        requests. Between two bounds, durations are taken to be spread evenly."""
        if not self.total:
            return None
        wanted = share * self.total
        before = 0
        for index, (upper, reached) in enumerate(
            zip(BOUNDS, accumulate(self.by_duration), strict=False)
        ):
            if reached >= wanted:
                lower = BOUNDS[index - 1] if index else 0
                within = reached - before
                return lower + (upper - lower) * (wanted - before) / within if within else lower
            before = reached
        return float(BOUNDS[-1])

    def slower_than(self, milliseconds: int) -> int:
        """The number of requests that took longer. milliseconds: one of the bounds."""
        return sum(self.by_duration[BOUNDS.index(milliseconds) + 1 :])


def of_window(session: Session, length: timedelta) -> Requests:
    """The requests of the last minutes or hours."""
    now = clock.now()
    model: repository.Model
    model, unit = (RequestMinute, _MINUTE) if length <= _MAX_OF_MINUTES else (RequestHour, _HOUR)
    since = now - length
    since += (_EPOCH - since) % unit
    rows = repository.sums(session, model, since=since, until=now)
    by_duration = [0] * (len(BOUNDS) + 1)
    for duration, requests, _ in rows:
        by_duration[duration] = requests
    return Requests(
        since=since,
        total=sum(by_duration),
        errors=sum(errors for _, _, errors in rows),
        by_duration=by_duration,
    )
