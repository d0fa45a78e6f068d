"""Identifiers of rows."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): unique, and ordered by creation time."""
    return uuid7()


def first_id(time: datetime, *, shift: timedelta = timedelta(0)) -> UUID:
    """The smallest id that can be created at `time` + `shift`; ids created later are larger.

    Before 1970 there are no ids: the smallest UUID is returned.
    """
    milliseconds = (time - _EPOCH + shift) // timedelta(milliseconds=1)
    return UUID(int=max(milliseconds, 0) << 80)


def parse_id(text: object) -> UUID | None:
    """The UUID that `text` is in the one spelling that we send out, or None.

    Other systems repeat our ids to us. Accepting further spellings would let one id arrive as
    several references.
    """
    if not isinstance(text, str):
        return None
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
