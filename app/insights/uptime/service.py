"""Uptime: the share of minutes in which every check of readiness succeeded."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.common import clock
from app.insights.uptime import repository

_MINUTE: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Uptime:
    """since: the first check, None if there was none. checked_minutes: with a check; down_minutes:
    those in which a check failed; unknown_minutes: without a check, because nothing checked."""

    since: datetime | None
    checked_minutes: int
    down_minutes: int
    unknown_minutes: int

    @property
    def percent(self) -> float | None:
        """Of the minutes with a check; None without any."""
        return _percent(self.checked_minutes - self.down_minutes, self.checked_minutes)

    @property
    def min_percent(self) -> float | None:
        """The same if all minutes without a check were down."""
        up = self.checked_minutes - self.down_minutes
        return _percent(up, self.checked_minutes + self.unknown_minutes)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 4) if whole else None


def minute_of(moment: datetime) -> int:
    """The number of a minute since 1970."""
    return int(moment.timestamp()) // 60


def record(session: Session, checks: Mapping[int, bool]) -> None:
    """Record checks of readiness: by minute, whether all of them succeeded. Safe to repeat."""
    checked: dict[int, int] = defaultdict(int)
    failed: dict[int, int] = defaultdict(int)
    for minute, succeeded in checks.items():
        bit = 1 << minute % 60
        checked[minute // 60] |= bit
        failed[minute // 60] |= 0 if succeeded else bit
    rows = [
        {
            "starts_at": _EPOCH + hour * 60 * _MINUTE,
            "checked": checked[hour],
            "failed": failed[hour],
        }
        for hour in checked
    ]
    repository.add(session, rows)


def get_uptime(session: Session, *, since: datetime = _EPOCH) -> Uptime:
    """The uptime since the first check, or since the first one after `since`."""
    first = repository.get_first_hour(session, since=since)
    if first is None:
        return Uptime(None, 0, 0, 0)
    offset = (first.checked & -first.checked).bit_length() - 1
    began_at = first.starts_at + offset * _MINUTE
    minutes = repository.count_minutes(session, since=first.starts_at)
    elapsed = minute_of(clock.now()) - minute_of(began_at)  # without the current minute
    return Uptime(
        since=began_at,
        checked_minutes=int(minutes.checked),
        down_minutes=int(minutes.failed),
        unknown_minutes=max(elapsed - int(minutes.checked), 0),
    )
