"""Ranges of time that clients ask for: `?from=…&to=…&timeZone=…`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import marshmallow as ma

from app.common.errors import BadRequest
from app.common.fields import DayOrTime, Schema
from app.common.time_zone import UTC_ZONE, TimeZone, start_of


class PeriodInvalid(BadRequest):
    def __init__(self, problem: str = "Must be before `to`, and in the past.") -> None:
        super().__init__(details={"from": [problem]})


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `since` (inclusive) to `until` (exclusive); None: from or to the end.

    zone: whose days and local times a report of it has.
    """

    since: datetime | None = None
    until: datetime | None = None
    zone: ZoneInfo = UTC_ZONE

    def closed(self, *, now: datetime, length: timedelta) -> tuple[datetime, datetime]:
        """`since` and `until` in UTC.

        until: now by default, and now if it is in the future; since: `length` before that by
        default. Raises PeriodInvalid if no time is between them.
        """
        until = min(self.until, now).astimezone(UTC) if self.until is not None else now
        if self.since is not None:
            since = self.since.astimezone(UTC)
        else:
            # `datetime` has no dates before year 1.
            since = until - length if until.year > 1 else until
        if since >= until:
            raise PeriodInvalid
        return since, until


ANY_TIME: Final = TimeRange()


@dataclass(frozen=True, slots=True)
class RequestedRange:
    """A range as a client asked for it. A date is the beginning of that day in the time zone."""

    since: date | datetime | None
    until: date | datetime | None
    zone: str | None

    def within(self, default_zone: str) -> TimeRange:
        """default_zone: if the client named none. Raises PeriodInvalid."""
        zone = ZoneInfo(self.zone or default_zone)
        since, until = (
            time if isinstance(time, datetime) or time is None else start_of(time, zone)
            for time in (self.since, self.until)
        )
        if since is not None and until is not None and since >= until:
            raise PeriodInvalid("Must be before `to`.")
        return TimeRange(since, until, zone)


_ZONE: Final = "IANA name of the time zone in which a date in `from` and `to` begins. Default: "


class TimeRangeArgs(Schema):
    """`from`, `to` and `timeZone`, loaded as one TimeRange: `within`. Raises PeriodInvalid."""

    since = DayOrTime(
        data_key="from", metadata={"description": "From this day or time on (inclusive)"}
    )
    until = DayOrTime(
        data_key="to", metadata={"description": "Before this day or time (exclusive)"}
    )
    time_zone = TimeZone(metadata={"description": f"{_ZONE}UTC"})

    @ma.post_load
    def _range(self, args: dict[str, Any], **_: Any) -> dict[str, Any]:
        requested = self._requested(args)
        return args | {"within": requested.within(UTC_ZONE.key)}

    def _requested(self, args: dict[str, Any]) -> RequestedRange:
        """The range, taken out of `args`."""
        ends = args.pop("since", None), args.pop("until", None)
        return RequestedRange(*ends, args.pop("time_zone", None))


class ReportRangeArgs(TimeRangeArgs):
    """As TimeRangeArgs, for users who have a time zone: loaded as a RequestedRange, `requested`."""

    time_zone = TimeZone(
        metadata={"description": f"{_ZONE}that of the merchant's shop, UTC for other users"}
    )

    @ma.post_load
    def _range(self, args: dict[str, Any], **_: Any) -> dict[str, Any]:
        return args | {"requested": self._requested(args)}
