"""The process that archives the WAL of a server, continuously.

`pg_receivewal` streams it into a folder of this machine, as a replica would; this process seals
each segment into the folder of the backups, and the one that is being written every few seconds.
A replication slot keeps what was not received yet on the server.
"""

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg
import structlog

from app.backups import files, programs, repository
from app.backups.errors import BackupError
from app.backups.repository import Server
from app.backups.segments import PARTIAL, is_history, is_segment
from app.backups.store import Store
from app.common.backup_settings import SLOT
from app.local import processes

#: How much may be lost with the machine: seconds between copies of the current segment.
PARTIAL_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.5
_FILES_SECONDS: Final = 60.0
#: Before what has failed is tried again.
_PAUSE_SECONDS: Final = 5.0

_log = structlog.get_logger()


class Archiver:
    """spool: folder of what was received and is not archived yet; files_folder: as for a backup;
    stopping: set to let `run` archive what was received and return."""

    def __init__(
        self,
        store: Store,
        url: str,
        spool: Path,
        files_folder: Path | None,
        stopping: threading.Event,
    ) -> None:
        self._store = store
        self._url = url
        self._spool = spool
        self._files_folder = files_folder
        self._receiver: subprocess.Popen[bytes] | None = None
        self._stopping = stopping
        self._partial_at = self._files_at = 0.0
        self._partial_seen: tuple[str, int] | None = None

    def run(self) -> None:
        """Archive until stopped. What fails is tried again. Raises BackupError if another process
        archives into this spool."""
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = processes.FileLock(self._spool / "lock")
        if not lock.acquire():
            raise BackupError("The WAL is archived by another process already.")
        try:
            self._discard_partial()
            while not self._stopping.is_set():
                self._attempt(self._receive)
            self._attempt(self._ship_all)
        finally:
            self._end_receiver()
            lock.release()

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (BackupError, OSError, psycopg.Error) as error:
            # Nothing is received that cannot be kept, so that the slot shows how far behind it is.
            self._end_receiver()
            message = error.message if isinstance(error, BackupError) else str(error).strip()
            _log.error("wal not archived", reason=message)
            self._stopping.wait(_PAUSE_SECONDS)

    def _receive(self) -> None:
        """Start the receiver if it does not run, and archive what it has received."""
        if self._receiver is None or self._receiver.poll() is not None:
            if self._receiver is not None:
                raise BackupError(self._why_it_ended())
            self._ship()
            self._start(repository.ask(self._url))
            _log.info("archiving wal", folder=str(self._store.folder))
        self._ship()
        self._stopping.wait(_POLL_SECONDS)

    def _why_it_ended(self) -> str:
        last = processes.tail(self._receiver_log, lines=1)
        return "pg_receivewal ended: " + (last[0] if last else "no output")

    @property
    def _receiver_log(self) -> Path:
        return self._spool / "receiver.log"

    def _start(self, server: Server) -> None:
        self._store.create_folders()
        target, environment = programs.connection(self._url)
        command: list[str | Path] = [
            programs.path_of("pg_receivewal", version=server.version),
            f"--dbname={target}",
            f"--slot={SLOT}",
            "--no-password",
        ]
        programs.run([*command, "--create-slot", "--if-not-exists"], environment)
        # From the position of the slot: the spool may be of another timeline.
        self._discard_partial()
        self._receiver = processes.launch(
            [*command, "--no-loop", "--status-interval=1", f"--directory={self._spool}"],
            log=self._receiver_log,
            death_signal=signal.SIGTERM,
            cwd=self._spool,
            env=environment,
        )

    def _end_receiver(self) -> None:
        if self._receiver is not None:
            processes.stop(self._receiver, signal.SIGTERM, timeout=10)
            self._receiver = None

    def _ship(self) -> None:
        """Archive what is complete, and now and then the rest."""
        for path in sorted(self._spool.iterdir()):
            if is_segment(path.name) or is_history(path.name):
                self._store.create_folders()
                self._store.archive(path)
                path.unlink()
        if time.monotonic() >= self._partial_at:
            self._partial_at = time.monotonic() + PARTIAL_SECONDS
            self._ship_partial()
        if self._files_folder and time.monotonic() >= self._files_at:
            self._files_at = time.monotonic() + _FILES_SECONDS
            files.copy_new(self._store, self._files_folder)

    def _ship_partial(self) -> None:
        for path in self._spool.glob(f"*{PARTIAL}"):
            # It may be complete, and renamed, in this moment.
            with suppress(FileNotFoundError):
                seen = path.name, path.stat().st_mtime_ns
                if seen != self._partial_seen:
                    self._store.archive_partial(path)
                    self._partial_seen = seen

    def _ship_all(self) -> None:
        """Archive what was received in the end."""
        self._end_receiver()
        self._partial_at = 0.0
        self._ship()

    def _discard_partial(self) -> None:
        for path in self._spool.glob(f"*{PARTIAL}"):
            path.unlink()


def ship_spool(store: Store, spool: Path) -> None:
    """Archive what was received and not archived yet by a process that has been killed."""
    if not spool.exists() or not store.folder.exists():
        return
    lock = processes.FileLock(spool / "lock")
    try:
        if not lock.acquire():
            return
        store.create_folders()
        for path in sorted(spool.iterdir()):
            if is_segment(path.name) or is_history(path.name):
                store.archive(path)
                path.unlink()
            elif is_segment(path.name.removesuffix(PARTIAL)):
                store.archive_partial(path)
    finally:
        lock.release()
