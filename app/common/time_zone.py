"""Time zones of the IANA database, by name, and the days that they have.

A day lasts from its first instant in the zone to that of the next day: 23 or 25 hours where clocks
change, and it is absent where a zone has skipped it.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo

import marshmallow as ma

from app.common.clock import format_timestamp

UTC_ZONE: Final = ZoneInfo("UTC")
_DAY: Final = timedelta(days=1)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The names that are accepted: those of the package `tzdata`, the same on every machine."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text().split())


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    """The names by their folded form, which differs for all of them."""
    return {name.casefold(): name for name in zone_names()}


class TimeZone(ma.fields.String):
    """The IANA name of a time zone, with letters in any case."""

    default_error_messages = {  # noqa: RUF012 – marshmallow's protocol
        "zone": "Not the IANA name of a time zone, such as Asia/Kolkata."
    }

    def __init__(self, *, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        documented = {"description": "IANA name of a time zone", "example": "Asia/Kolkata"}
        super().__init__(metadata=documented | (metadata or {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        typed: str = super()._deserialize(value, attr, data, **kwargs)
        if (name := _spellings().get(typed.strip().casefold())) is None:
            raise self.make_error("zone")
        return name


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day, in UTC. Where clocks skip midnight, that is the next hour."""
    try:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    except OverflowError:  # before year 1
        return datetime.min.replace(tzinfo=UTC)


def local(time: datetime, zone: ZoneInfo) -> datetime:
    """The time in the zone; in UTC at the ends of the calendar, where it has no date there."""
    with suppress(OverflowError):
        return time.astimezone(zone)
    return time.astimezone(UTC)


def days_within(
    since: datetime, until: datetime, zone: ZoneInfo
) -> Iterator[tuple[date, datetime]]:
    """Each day with a part between two times, and its first instant."""
    day, last = local(since, zone).date(), local(until - timedelta(microseconds=1), zone).date()
    start = start_of(day, zone)
    while day <= last:
        after = start_of(day + _DAY, zone)
        if start < after:
            yield day, start
        day, start = day + _DAY, after


def format_local(time: datetime, zone: ZoneInfo) -> str:
    """RFC 3339 with milliseconds and the offset of the zone; `Z` in UTC."""
    if zone == UTC_ZONE:
        return format_timestamp(time) or ""
    return local(time, zone).isoformat(timespec="milliseconds")


def display_time(time: datetime, zone: ZoneInfo) -> str:
    """For people, wherever they are: `2 March 2026, 00:00 UTC+05:30`."""
    offset = "" if zone == UTC_ZONE else local(time, zone).isoformat()[-6:]
    return f"{local(time, zone):%-d %B %Y, %H:%M} UTC{offset}"
