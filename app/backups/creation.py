"""Making a base backup of a running server."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from app.backups import files, manifest, programs, repository
from app.backups.errors import BackupError
from app.backups.repository import Server
from app.backups.segments import Segment, parse_lsn
from app.backups.store import Backup, Store
from app.insights.health.models import BackupKind
from app.local.processes import FileLock

#: A full backup is made if the last one is older; restoring many incremental ones takes long.
FULL_EVERY: Final = timedelta(days=7)
#: How long the archive may take for the WAL of a backup.
_ARCHIVE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2
_INCREMENTAL_SINCE: Final = 17

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """What is backed up. url: of a role with REPLICATION; files_folder: FILES_DIR, None if the
    files are elsewhere; secrets: of an embedded server, by name."""

    url: str
    files_folder: Path | None
    secrets: Mapping[str, str]


def create(store: Store, source: Source, *, full: bool, show: Show) -> Backup:
    """Make a backup: a full one if `full`, if there is none of the last days, or if the server
    cannot make incremental ones.

    Raises BackupError, psycopg.Error.
    """
    store.create_folders()
    lock = FileLock(store.folder / "lock")
    try:
        if not lock.acquire():
            raise BackupError("Another backup is being made.")
        server = repository.ask(source.url)
        parent = None if full else _parent(store, server)
        if parent is not None:
            try:
                return _create(store, source, server, parent=parent)
            except programs.ProgramFailed as error:
                show(f"No incremental backup: {error.message} A full one is made instead.")
        return _create(store, source, server, parent=None)
    finally:
        lock.release()


def _parent(store: Store, server: Server) -> Backup | None:
    """The backup that the next one continues; None if it must be full."""
    history = store.history()
    usable = [
        each
        for each in store.backups()
        if (each.system, each.version) == (server.system, server.version)
        and history.contains(each.timeline, each.stop)
    ]
    fulls = [each for each in usable if each.kind is BackupKind.FULL]
    is_recent = bool(fulls) and server.time - fulls[-1].started_at < FULL_EVERY
    can = server.version >= _INCREMENTAL_SINCE and server.summarizes
    return usable[-1] if can and is_recent else None


def _create(store: Store, source: Source, server: Server, *, parent: Backup | None) -> Backup:
    kind = BackupKind.FULL if parent is None else BackupKind.INCREMENTAL
    name = f"{server.time:%Y%m%dT%H%M%SZ}-{kind.lower()}"
    if (store.bases / name).exists():
        raise BackupError(f"The backup {name} was made in this second.")
    folder = store.begin(name)
    with TemporaryDirectory() as scratch:
        options: list[str | Path] = []
        if parent is not None:
            before = Path(scratch, "manifest")
            before.write_bytes(b"".join(store.read(f"base/{parent.name}/manifest")))
            options = [f"--incremental={before}"]
        target, environment = programs.connection(source.url)
        command: list[str | Path] = [
            programs.path_of("pg_basebackup", version=server.version),
            f"--dbname={target}",
            "--pgdata=-",
            "--format=tar",
            # The archive has it.
            "--wal-method=none",
            "--checkpoint=fast",
            "--manifest-checksums=SHA256",
            "--no-password",
            *options,
        ]
        with programs.output(command, environment) as pieces:
            size = store.write(f"{folder}/tar", pieces)
    ended_at = repository.ask(source.url).time
    # What was written is read again: a backup that cannot be read is none.
    written = manifest.check(store.read(f"{folder}/tar"), what=f"The backup {name}")
    size += store.write(f"{folder}/manifest", [written.raw])
    backup = Backup(
        name=name,
        kind=kind,
        parent=parent.name if parent else None,
        system=server.system,
        version=server.version,
        timeline=written.timeline,
        start=parse_lsn(written.start),
        stop=parse_lsn(written.stop),
        segment_bytes=server.segment_bytes,
        started_at=server.time,
        ended_at=ended_at,
        size=size,
    )
    # The database first and the files second: a file that is deleted in between was unreferenced.
    kept = files.copy_new(store, source.files_folder) if source.files_folder else []
    store.write(f"{folder}/files", ["\n".join(kept).encode()])
    store.write(f"{folder}/secrets", [json.dumps(dict(source.secrets)).encode()])
    _await_archive(store, backup)
    store.complete(backup)
    return backup


def _await_archive(store: Store, backup: Backup) -> None:
    """Wait until the archive has the WAL that was written during the backup."""
    last = Segment(backup.last_segment, backup.timeline).name(backup.segment_bytes)
    ends_at = time.monotonic() + _ARCHIVE_SECONDS
    while not (store.wal / last).exists():
        if time.monotonic() > ends_at:
            raise BackupError(
                f"The WAL of this backup is not archived (segment {last}): `backup archive` must"
                " run all the time, as it does in `up`."
            )
        time.sleep(_POLL_SECONDS)
