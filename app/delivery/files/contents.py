"""What keeping bytes means, wherever they are kept."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, Protocol

#: What is being sent is held in memory so many bytes at a time.
PIECE_BYTES: Final = 128 * 1024


class ContentBroken(Exception):
    """Fewer bytes are stored than there should be, so what is being sent must break off."""


class Content(Iterator[bytes]):
    """A part of stored bytes, piece by piece. Whoever gets it closes it.

    left: bytes that were not read yet.
    """

    def __init__(
        self, read: Callable[[int], bytes], close: Callable[[], object], *, length: int
    ) -> None:
        self.left = length
        self._read = read
        self._close = close

    def __next__(self) -> bytes:
        if not self.left:
            raise StopIteration
        piece = self._read(min(self.left, PIECE_BYTES))
        if not piece:
            raise ContentBroken
        self.left -= len(piece)
        return piece

    def close(self) -> None:
        """Let go of the file or connection. May be called again."""
        self._close()


class Draft(Protocol):
    """Bytes that came in and are not kept yet. sha256: as hexadecimal text."""

    sha256: str
    size: int

    def keep(self, place: str) -> None:
        """Keep them at `place`, whole and durable once this returns. At most once."""


class Storage(Protocol):
    """Keeps bytes at places, each named once and for all by their hash (FileContent.place)."""

    def receive(self, pieces: Iterable[bytes]) -> AbstractContextManager[Draft]:
        """Read all of `pieces`; what is not kept when the block ends is forgotten.

        Raises StorageFull, StorageAway, and what `pieces` raise.
        """

    def open(self, place: str, *, start: int, end: int) -> Content:
        """The bytes from `start` to just before `end`. Raises ContentMissing, StorageAway."""

    def size_of(self, place: str) -> int | None:
        """How many bytes there are, None if the place is empty. Raises StorageAway."""

    def delete(self, place: str) -> None:
        """Forget them, if they are there. Raises StorageAway."""

    def forget_drafts(self, *, before: datetime) -> int:
        """Forget what came in before then and was never kept; how many. Raises StorageAway."""
