"""The use cases of backups, as the commands and the archiving process call them."""

import threading
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from app.backups import creation, embedded, files, repository, restoring, retention
from app.backups.archiver import Archiver, ship_spool
from app.backups.creation import Source
from app.backups.errors import BackupError
from app.backups.restoring import Plan, Show
from app.backups.store import Backup, Store, open_store
from app.common import clock, logging
from app.common.db import transaction
from app.common.settings import COMMAND, Settings, require_database
from app.insights.health import service as health

#: Between looks at whether a backup is due.
_CHECK_SECONDS: Final = 60.0

_log = structlog.get_logger()


def make(settings: Settings, store: Store, *, full: bool, show: Show) -> Backup:
    """Make a backup, record it, and delete what is not needed any more.

    Raises BackupError, psycopg.Error.
    """
    made = creation.create(store, _source(settings), full=full, show=show)
    with transaction() as session:
        health.record_backup(session, kind=made.kind, started_at=made.started_at, size=made.size)
    deleted = retention.clean_up(
        store,
        now=clock.now(),
        retention=settings.backup_retention,
        files_folder=_files_folder(settings),
    )
    if deleted.backups or deleted.segments:
        show(f"Deleted {deleted.backups} backups and {deleted.segments} WAL segments.")
    return made


def archive(settings: Settings, store: Store, stopping: threading.Event) -> None:
    """Archive the WAL, and make backups when they are due, until `stopping` is set."""
    logging.configure(settings.log_level)
    source = _source(settings)
    archiver = Archiver(store, source.url, _spool(settings), source.files_folder, stopping)
    # Not waited for: a backup that is being made begins anew.
    threading.Thread(target=_make_regularly, args=(settings, store, stopping), daemon=True).start()
    archiver.run()


def require_archiving(settings: Settings) -> None:
    """Raises BackupError unless the WAL is being archived now, and psycopg.Error."""
    if not repository.is_received(_source(settings).url):
        raise BackupError("The WAL is not being archived: `backup archive` does not run, or fails.")


def _make_regularly(settings: Settings, store: Store, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            last = store.backups()[-1:] if store.bases.exists() else []
            if not last or clock.now() - last[0].started_at >= settings.backup_interval:
                made = make(settings, store, full=False, show=lambda text: _log.info(text))
                _log.info("backup made", name=made.name, size=made.size)
        except BackupError as error:
            _log.error("backup failed", reason=error.message)
        except Exception as error:  # the next one may succeed, whatever it was
            _log.exception("backup failed", reason=type(error).__name__)
        stopping.wait(_CHECK_SECONDS)


def plan(settings: Settings, store: Store, to: datetime | None) -> Plan:
    """What a restore reads. Raises BackupError."""
    ship_spool(store, _spool(settings))
    return restoring.plan(store, to=to, now=clock.now())


def restore_embedded(
    settings: Settings, store: Store, plan: Plan, *, wire: embedded.Wire, show: Show
) -> None:
    """Restore the server of the data folder. Raises BackupError."""
    restored = embedded.restore(settings, store, plan, wire=wire, show=show)
    if restored.until is not None:
        show(f"The last transaction is of {restored.until:%Y-%m-%d %H:%M:%S.%f} UTC.")
    show(f"{restored.sessions} sessions were ended, {restored.files} files were restored.")
    for folder in restored.kept:
        show(f"Kept what was there before: {folder}")
    show(f"Start it with `{COMMAND} up`, check the books with `{COMMAND} verify`.")


def restore_into(store: Store, plan: Plan, folder: Path, *, show: Show) -> None:
    """Write a data directory for a server of one's own. Raises BackupError."""
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty.")
    cluster = restoring.write_cluster(store, plan, folder=folder.absolute(), show=show)
    restoring.append_settings(
        cluster, restoring.recovery_settings(plan, wal=folder.absolute() / "wal")
    )
    since = (plan.to or plan.backup.ended_at).isoformat(timespec="milliseconds")
    show(f"Start PostgreSQL {plan.backup.version} with the data directory {cluster}; it recovers.")
    if plan.to is not None:
        show(
            f"If it says {restoring.ENDED_BEFORE!r}, no transaction was archived at that time or"
            " later: restore without --to."
        )
    show(f"Then run `{COMMAND} migrate` and `{COMMAND} after-restore --since {since}`.")


def restore_files(settings: Settings) -> int:
    """Copy files back that are missing. Returns their number. Raises BackupError."""
    folder = _files_folder(settings)
    return files.restore_missing(open_store(settings), folder) if folder else 0


def _source(settings: Settings) -> Source:
    url = settings.backup_database_url or require_database(settings)
    return Source(url, _files_folder(settings), embedded.read_secrets(settings.data_folder))


def _spool(settings: Settings) -> Path:
    return settings.data_folder.absolute() / "wal-incoming"


def _files_folder(settings: Settings) -> Path | None:
    return None if settings.files_s3_bucket else settings.files_folder
