"""Range requests (RFC 9110, section 14)."""

import re
from typing import Final

from app.delivery.files.errors import RangeNotSatisfiable

_SINGLE: Final = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.A | re.I)


def parse_range(header: str | None, *, size: int) -> tuple[int, int] | None:
    """The requested range as start and end (exclusive); None for the whole file.

    header: the Range header. Ignored, as the RFC allows, if it has several ranges, another unit or
    an invalid syntax. Raises RangeNotSatisfiable.
    """
    match = _SINGLE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = int(last)
        if not length:
            raise RangeNotSatisfiable(size=size)
        return max(size - length, 0), size
    start, end = int(first), int(last) + 1 if last else size
    if last and end <= start:
        return None
    if start >= size:
        raise RangeNotSatisfiable(size=size)
    return start, min(end, size)
