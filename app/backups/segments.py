"""Names of WAL segments, and the histories of timelines.

A segment is a file of the write-ahead log. Its name is the timeline and the position, as 24
hexadecimal digits.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
_HISTORY: Final = re.compile(r"[0-9A-F]{8}\.history")
PARTIAL: Final = ".partial"
#: Bytes that the second group of eight digits counts.
_LOG_BYTES: Final = 2**32


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """number: of the position, in segments since the beginning of the log."""

    number: int
    timeline: int

    def name(self, size: int) -> str:
        """size: bytes of a segment of this server."""
        per_log = _LOG_BYTES // size
        return f"{self.timeline:08X}{self.number // per_log:08X}{self.number % per_log:08X}"

    @classmethod
    def parse(cls, name: str, size: int) -> "Segment":
        timeline, log, rest = (int(name[i : i + 8], 16) for i in (0, 8, 16))
        return cls(log * (_LOG_BYTES // size) + rest, timeline)


def is_segment(name: str) -> bool:
    return _SEGMENT.fullmatch(name) is not None


def is_history(name: str) -> bool:
    return _HISTORY.fullmatch(name) is not None


def parse_lsn(text: str) -> int:
    """A position in the log, such as 0/2000028, in bytes."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


@dataclass(frozen=True, slots=True)
class History:
    """A timeline, and where it left the timelines before it: the position by timeline."""

    timeline: int
    switches: Mapping[int, int]

    def contains(self, timeline: int, lsn: int) -> bool:
        """Whether what was written at this position of that timeline belongs to this history."""
        return timeline == self.timeline or lsn <= self.switches.get(timeline, -1)

    @property
    def timelines(self) -> set[int]:
        return {self.timeline, *self.switches}


def parse_history(timeline: int, text: str) -> History:
    """text: of the file `….history`: a line for each earlier timeline."""
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    return History(timeline, {int(words[0]): parse_lsn(words[1]) for words in lines})


def in_history(segments: Iterable[Segment], history: History, *, size: int) -> list[Segment]:
    """The segments that belong to the history, in order. size: bytes of a segment."""
    return sorted(each for each in segments if history.contains(each.timeline, each.number * size))


def first_gap(segments: Iterable[Segment], *, first: int, last: int) -> int | None:
    """The first number from `first` to `last` without a segment; None if there is none."""
    numbers = {each.number for each in segments}
    return next((number for number in range(first, last + 1) if number not in numbers), None)
