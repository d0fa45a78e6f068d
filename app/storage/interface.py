"""What a storage does, wherever it keeps the bytes."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, Protocol

#: The prefix of staged content.
STAGED: Final = "incoming/"
#: Bytes in memory at a time while content is sent.
CHUNK_BYTES: Final = 128 * 1024


def staged_key(name: str) -> str:
    """The key of content that `delete_staged` deletes, such as a part of a file.

    name: unique, beginning with an id (ids.new_id), so that the oldest come first.
    """
    return f"{STAGED}{name}"


class ContentTruncated(Exception):
    """Fewer bytes are stored than expected, so the response must be aborted."""


class ContentStream(Iterator[bytes]):
    """A range of stored bytes, in chunks. The caller must close it.

    remaining: bytes that were not read yet.
    """

    def __init__(
        self, read: Callable[[int], bytes], close: Callable[[], object], *, length: int
    ) -> None:
        self.remaining = length
        self._read = read
        self._close = close

    def __next__(self) -> bytes:
        if not self.remaining:
            raise StopIteration
        chunk = self._read(min(self.remaining, CHUNK_BYTES))
        if not chunk:
            raise ContentTruncated
        self.remaining -= len(chunk)
        return chunk

    def close(self) -> None:
        """Close the file or connection. May be called repeatedly."""
        self._close()


class StagedContent(Protocol):
    """Received bytes that are not stored under a key yet. sha256: hexadecimal."""

    sha256: str
    size: int

    def store(self, key: str) -> None:
        """Store them under `key`, atomically and durably. At most once."""


class Storage(Protocol):
    """Stores immutable bytes under unique keys (FileContent.storage_key, or staged_key)."""

    def receive(self, chunks: Iterable[bytes]) -> AbstractContextManager[StagedContent]:
        """Stage all of `chunks`; discarded at the end of the block unless stored.

        Raises StorageFull, StorageUnavailable, and what `chunks` raise.
        """

    def open(self, key: str, *, start: int, end: int) -> ContentStream:
        """The bytes from `start` to `end` (exclusive).

        Raises ContentMissing, StorageUnavailable.
        """

    def get_size(self, key: str) -> int | None:
        """The number of bytes, or None if the key does not exist. Raises StorageUnavailable."""

    def delete(self, key: str) -> None:
        """Delete the key, if it exists. Raises StorageUnavailable."""

    def delete_staged(self, *, before: datetime) -> int:
        """Delete content that was staged before then. Returns its number.

        Raises StorageUnavailable.
        """
