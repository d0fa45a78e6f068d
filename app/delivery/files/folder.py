"""Keeping files in a folder."""

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

from app.delivery.files.contents import Content
from app.delivery.files.errors import ContentMissing, StorageFull

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PRIVATE: Final = 0o700


@dataclass(slots=True)
class _Draft:
    sha256: str
    size: int
    path: Path
    folder: Path

    def keep(self, place: str) -> None:
        """Readers see all of it or nothing, also after a power cut."""
        target = _path(self.folder, place)
        _make(target.parent.parent)
        _make(target.parent)
        self.path.replace(target)
        for folder in (target.parent, target.parent.parent, self.folder):
            _sync(folder)


class FolderStorage:
    """Files below one folder, two levels deep, readable by their owner only.

    The folder is made when it is first needed. Processes on several machines must share it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"

    @contextmanager
    def receive(self, pieces: Iterable[bytes]) -> Iterator[_Draft]:
        self._folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        _make(self._incoming)
        descriptor, name = mkstemp(dir=self._incoming)  # only its owner may read it
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file, _room():
                digest, size = sha256(), 0
                for piece in pieces:
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
                file.flush()
                os.fsync(file.fileno())
            yield _Draft(digest.hexdigest(), size, path, self._folder)
        finally:
            path.unlink(missing_ok=True)

    def open(self, place: str, *, start: int, end: int) -> Content:
        try:
            file = _path(self._folder, place).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise ContentMissing from error
        file.seek(start)
        return Content(file.read, file.close, length=end - start)

    def size_of(self, place: str) -> int | None:
        try:
            return _path(self._folder, place).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, place: str) -> None:
        _path(self._folder, place).unlink(missing_ok=True)

    def forget_drafts(self, *, before: datetime) -> int:
        if not self._incoming.exists():
            return 0
        old = [path for path in self._incoming.iterdir() if _is_old(path, before)]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def _is_old(draft: Path, before: datetime) -> bool:
    """One that is still being written was changed a moment ago, or is kept by now."""
    try:
        return draft.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False


def _path(folder: Path, place: str) -> Path:
    return folder / place[:2] / place[2:4] / place


def _make(folder: Path) -> None:
    folder.mkdir(mode=_PRIVATE, exist_ok=True)


def _sync(folder: Path) -> None:
    """Have a power cut not take back the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        raise
