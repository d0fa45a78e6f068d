"""The clock, read in one place so that tests can set it."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def format_timestamp(time: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds and `Z`; None stays None."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
