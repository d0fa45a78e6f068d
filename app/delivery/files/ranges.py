"""Which part of a file is asked for (RFC 9110, section 14)."""

import re
from typing import Final

from app.delivery.files.errors import RangeNotSatisfiable

_SINGLE: Final = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.A | re.I)


def asked_for(header: str | None, *, size: int) -> tuple[int, int] | None:
    """First byte, and the one behind the last; None for the whole file.

    header: the Range header. What it means is ignored, as the RFC allows, when it asks for several
    parts, in another unit, or for nonsense. Raises RangeNotSatisfiable.
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
