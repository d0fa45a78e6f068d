"""Ranges of time that clients ask for: `?from=…&to=…`."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import marshmallow as ma

from app.common.errors import BadRequest
from app.common.fields import Schema, Timestamp


class PeriodInvalid(BadRequest):
    def __init__(self, problem: str = "Must be before `to`, and in the past.") -> None:
        super().__init__(details={"from": [problem]})


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `since` (inclusive) to `until` (exclusive); None: from or to the end."""

    since: datetime | None = None
    until: datetime | None = None

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


class TimeRangeArgs(Schema):
    """`from` and `to`, loaded as one TimeRange: `within`. Raises PeriodInvalid."""

    since = Timestamp(data_key="from", metadata={"description": "From this time on (inclusive)"})
    until = Timestamp(data_key="to", metadata={"description": "Before this time (exclusive)"})

    @ma.post_load
    def _time_range(self, args: dict[str, Any], **_: Any) -> dict[str, Any]:
        within = TimeRange(args.pop("since", None), args.pop("until", None))
        if within.since is not None and within.until is not None and within.since >= within.until:
            raise PeriodInvalid("Must be before `to`.")
        return args | {"within": within}
