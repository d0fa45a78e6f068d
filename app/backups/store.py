"""The folder of the backups: what is where in it.

base/NAME/    a base backup: `backup` describes it, `tar` is the data directory, `manifest` is
              PostgreSQL's list of its files, `files` lists what FILES_DIR contained
wal/          segments of the write-ahead log, histories of timelines, and the segment that is
              being written (`.partial`)
files/        contents of FILES_DIR

Every file is sealed: compressed, encrypted and authenticated.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from app.backups import sealed
from app.backups.errors import BackupError
from app.backups.segments import (
    PARTIAL,
    History,
    Segment,
    is_history,
    is_segment,
    parse_history,
)
from app.common.backup_settings import BackupSettings
from app.insights.health.models import BackupKind

#: The last segment that was archived: if it is missing, the end of the WAL is.
_LATEST: Final = "latest"


@dataclass(frozen=True, slots=True)
class Backup:
    """A base backup, from which every moment after `ended_at` can be restored.

    parent: name of the backup that an incremental one continues. start, stop: positions in the WAL;
    what is in between is needed. segment_bytes: size of a WAL segment. size: bytes in the folder.
    version: major version of PostgreSQL.
    """

    name: str
    kind: BackupKind
    parent: str | None
    system: str
    version: int
    timeline: int
    start: int
    stop: int
    segment_bytes: int
    started_at: datetime
    ended_at: datetime
    size: int

    @property
    def first_segment(self) -> int:
        return self.start // self.segment_bytes

    @property
    def last_segment(self) -> int:
        return (self.stop - 1) // self.segment_bytes


class Store:
    """The folder of the settings."""

    def __init__(self, folder: Path, keys: sealed.Keys) -> None:
        self.folder = folder
        self._keys = keys
        self.bases, self.wal, self.files = (folder / name for name in ("base", "wal", "files"))

    def create_folders(self) -> None:
        for folder in (self.folder, self.bases, self.wal, self.files):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, name: str, content: Iterable[bytes]) -> int:
        """Seal a file. name: its path in the folder. Returns its size."""
        return sealed.write(self.folder / name, content, keys=self._keys, name=_sealed_as(name))

    def read(self, name: str) -> Iterator[bytes]:
        """The content of a file. Raises sealed.Unreadable."""
        return sealed.read(self.folder / name, keys=self._keys, name=_sealed_as(name))

    def read_text(self, name: str) -> str:
        return b"".join(self.read(name)).decode()

    # Base backups

    def begin(self, name: str) -> str:
        """Create the folder of a backup that is being made. Returns its path in this folder."""
        for unfinished in self.bases.glob("*.new"):
            shutil.rmtree(unfinished)
        (self.bases / f"{name}.new").mkdir(mode=0o700)
        return f"base/{name}.new"

    def complete(self, backup: Backup) -> None:
        """A backup is complete or does not exist."""
        draft = self.bases / f"{backup.name}.new"
        self.write(f"base/{draft.name}/backup", [_dump(backup)])
        draft.rename(self.bases / backup.name)
        sealed.sync_folder(self.bases)

    def backups(self) -> list[Backup]:
        """All complete ones, oldest first. Raises sealed.Unreadable."""
        names = sorted(path.name for path in self.bases.glob("*") if path.suffix != ".new")
        found = [_load(self.read_text(f"base/{name}/backup")) for name in names]
        return sorted(found, key=lambda backup: backup.ended_at)

    def chain(self, backup: Backup) -> list[Backup]:
        """The backups that this one needs, the full one first, with itself. Raises BackupError."""
        named = {each.name: each for each in self.backups()}
        chain = [backup]
        while (parent := chain[0].parent) is not None:
            if parent not in named:
                raise BackupError(f"The backup {parent}, which {chain[0].name} needs, is missing.")
            chain.insert(0, named[parent])
        return chain

    def delete(self, backup: Backup) -> None:
        draft = self.bases / f"{backup.name}.new"  # never half of a backup that looks complete
        (self.bases / backup.name).rename(draft)
        shutil.rmtree(draft)

    # WAL

    def archive(self, path: Path) -> None:
        """Archive a complete segment or a history, once. Raises BackupError if the archive has
        another one of the name."""
        if (self.wal / path.name).exists():
            if b"".join(self.read(f"wal/{path.name}")) != path.read_bytes():
                raise BackupError(
                    f"{self.wal / path.name} is archived with other contents: is this the folder"
                    " of another server?"
                )
            return
        self.write(f"wal/{path.name}", _pieces(path))
        if is_segment(path.name):
            self.write(f"wal/{_LATEST}", [path.name.encode()])
            (self.wal / (path.name + PARTIAL)).unlink(missing_ok=True)

    def archive_partial(self, path: Path) -> None:
        """Archive the segment that is being written, as it is now."""
        self.write(f"wal/{path.name}", _pieces(path))

    def segments(self, size: int, *, partial: bool = False) -> list[Segment]:
        """The complete segments, or the partial ones. size: bytes of a segment."""
        end = PARTIAL if partial else ""
        names = (name.removesuffix(end) for name in self._wal_names() if name.endswith(end))
        return [Segment.parse(name, size) for name in names if is_segment(name)]

    def latest(self, size: int) -> Segment | None:
        """The last complete segment that was archived, even if it is missing now."""
        if not (self.wal / _LATEST).exists():
            return None
        return Segment.parse(self.read_text(f"wal/{_LATEST}"), size)

    def histories(self) -> list[str]:
        """Names of the files."""
        return sorted(name for name in self._wal_names() if is_history(name))

    def history(self) -> History:
        """That of the newest timeline."""
        names = self.histories()
        if not names:
            return History(1, {})
        return parse_history(int(names[-1][:8], 16), self.read_text(f"wal/{names[-1]}"))

    def delete_segment(self, name: str) -> None:
        (self.wal / name).unlink(missing_ok=True)

    def _wal_names(self) -> Sequence[str]:
        return sorted(os.listdir(self.wal)) if self.wal.exists() else []


def open_store(settings: BackupSettings) -> Store:
    """The store of the settings. Raises BackupError without a folder."""
    if settings.backup_dir is None:
        raise BackupError("BACKUP_DIR is not set: it names the folder of the backups.")
    return Store(settings.backup_dir.absolute(), settings.backup_keys)


def _sealed_as(name: str) -> str:
    """The name that a file is sealed with: a backup is renamed when it is complete."""
    return name.replace(".new/", "/")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(2**20):
            yield piece


def _dump(backup: Backup) -> bytes:
    return json.dumps(asdict(backup), default=datetime.isoformat).encode()


def _load(text: str) -> Backup:
    values = json.loads(text)
    for name in ("started_at", "ended_at"):
        values[name] = datetime.fromisoformat(values[name])
    return Backup(**values | {"kind": BackupKind(values["kind"])})
