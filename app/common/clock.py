"""The clock: the time of the database, read in one place so that tests can set it.

Every host of the application goes by the clock of the database, so that expiries and windows mean
the same on all of them, and a host whose own clock is wrong or set back changes nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app.common.process_state import Slot

#: Seconds after which the time is read again: a counter of a host gains or loses some milliseconds
#: a minute at most.
_MAX_AGE: Final = 60.0
_DRIFT: Final = 0.0002

#: Linux counts the time that the host is suspended only here.
_COUNTER: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clock of the database showed, and what a counter of this host did at that moment.

    error: how much the two may be apart in seconds, because the answer took time.
    """

    time: datetime
    counter: float
    error: float

    def at(self, counter: float) -> datetime:
        return self.time + timedelta(seconds=counter - self.counter)

    def error_at(self, counter: float) -> float:
        return self.error + (counter - self.counter) * _DRIFT


_reading: Final[Slot[Reading | None]] = Slot("reading of the database's clock", default=None)


def now() -> datetime:
    """The current time in UTC: that of the database; of this host until it was read."""
    reading = _reading()
    return datetime.now(UTC) if reading is None else reading.at(_count())


def seconds_since(moment: datetime | None, *, now: datetime) -> float:
    """The seconds from a moment until `now`; 0 if it is later, or there is none."""
    return 0.0 if moment is None else max((now - moment).total_seconds(), 0.0)


def is_stale() -> bool:
    """Whether the clock of the database should be read."""
    reading = _reading()
    return reading is None or _count() - reading.counter > _MAX_AGE


def synchronize(read: Callable[[], datetime]) -> None:
    """Adopt the clock of the database. read: returns its time.

    An answer that took longer, on a busy host, replaces a better one only if they contradict each
    other: then the database has another clock.
    """
    begun = _count()
    moment = read()
    ended = _count()
    new = Reading(moment.astimezone(UTC), (begun + ended) / 2, (ended - begun) / 2)
    old = _reading()
    if old is not None:
        difference = abs((new.time - old.at(new.counter)).total_seconds())
        expected = old.error_at(new.counter)
        if new.error > expected and difference <= new.error + expected:
            new = Reading(old.at(new.counter), new.counter, expected)
    _reading.configure(new)


def _count() -> float:
    return time.clock_gettime(_COUNTER)


def format_timestamp(time: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds and `Z`; None stays None."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
