"""A storage in a folder."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from app.storage.errors import ContentMissing, StorageFull
from app.storage.interface import STAGED, ContentStream

_FULL_ERRORS: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_OWNER_ONLY: Final = 0o700


@dataclass(slots=True)
class _StagedFile:
    sha256: str
    size: int
    path: Path
    folder: Path

    def store(self, key: str) -> None:
        """Readers see the whole file or none, even after a power failure."""
        target = _path(self.folder, key)
        _make_folder(target.parent.parent)
        _make_folder(target.parent)
        self.path.replace(target)
        for folder in (target.parent, target.parent.parent, self.folder):
            _sync_folder(folder)


class FolderStorage:
    """Files in two levels of folders, readable only by their owner.

    The folder is created on first use. Processes on several machines must share it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / STAGED

    @contextmanager
    def receive(self, chunks: Iterable[bytes]) -> Iterator[_StagedFile]:
        self._folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        _make_folder(self._incoming)
        descriptor, name = mkstemp(dir=self._incoming)  # Readable only by its owner.
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file, _full_disk_reported():
                digest, size = sha256(), 0
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                file.flush()
                os.fsync(file.fileno())
            yield _StagedFile(digest.hexdigest(), size, path, self._folder)
        finally:
            path.unlink(missing_ok=True)

    def open(self, key: str, *, start: int, end: int) -> ContentStream:
        try:
            file = _path(self._folder, key).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise ContentMissing from error
        file.seek(start)
        return ContentStream(file.read, file.close, length=end - start)

    def get_size(self, key: str) -> int | None:
        try:
            return _path(self._folder, key).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        _path(self._folder, key).unlink(missing_ok=True)

    def delete_staged(self, *, before: datetime) -> int:
        if not self._incoming.exists():
            return 0
        old = [path for path in self._incoming.iterdir() if _was_modified_before(path, before)]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def _was_modified_before(staged: Path, before: datetime) -> bool:
    """False for a file that is still being written, or was stored in the meantime."""
    try:
        return staged.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False


def _path(folder: Path, key: str) -> Path:
    if key.startswith(STAGED):
        return folder / key
    return folder / key[:2] / key[2:4] / key


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=_OWNER_ONLY, exist_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _full_disk_reported() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL_ERRORS:
            raise StorageFull from error
        raise
