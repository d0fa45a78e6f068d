"""Restoring the embedded server: the data folder of `up`."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from app.backups import aftermath, files, repository, restoring
from app.backups.errors import BackupError
from app.backups.restoring import Plan, Show
from app.backups.store import Store
from app.common import clock
from app.common.migrate import migrate
from app.common.settings import Settings
from app.local.embedded import EmbeddedError, PostgresServer
from app.local.embedded.postgres import PASSWORDS
from app.local.embedded.server import server_folder
from app.local.processes import FileLock
from app.local.running import LOCK_NAME, OWNER_URL, RESTORED_NAME

_SERVER: Final = "postgres"
#: Secrets of the data folder without which a restored database cannot be used, below it.
_SECRETS: Final = (f"{_SERVER}/{PASSWORDS}", "encryption-key")

#: Configures the modules of this process, and connects them to the database of the settings.
Wire = Callable[[Settings], object]


@dataclass(frozen=True, slots=True)
class Restored:
    """until: time of the last transaction that was restored, None if there was none after the
    backup; kept: folders of what was there before."""

    until: datetime | None
    kept: list[Path]
    sessions: int
    files: int


def read_secrets(data_dir: Path) -> dict[str, str]:
    """The secrets of a data folder, by their names below it; those that exist."""
    return {name: path.read_text() for name in _SECRETS if (path := data_dir / name).exists()}


def restore(settings: Settings, store: Store, plan: Plan, *, wire: Wire, show: Show) -> Restored:
    """Restore the database of the data folder. Nothing changes there unless all of it succeeds, and
    what was there before is kept beside it.

    wire: connects this process to the restored database. Raises BackupError.
    """
    data_dir = settings.data_folder.absolute()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:  # the server runs as another user, who must reach its folder
        data_dir.chmod(data_dir.stat().st_mode | 0o001)
    draft = data_dir / "restore.new"
    with ExitStack() as cleanup:
        lock = FileLock(data_dir / LOCK_NAME)
        cleanup.callback(lock.release)
        if not lock.acquire():
            raise BackupError(f"Payment Flow is running on {data_dir}: stop `up` first.")
        # As `up` describes itself to other commands.
        lock.write(json.dumps({"pid": os.getpid(), "env": {}}))
        _stop_servers(data_dir)
        shutil.rmtree(draft, ignore_errors=True)
        cleanup.callback(shutil.rmtree, draft, ignore_errors=True)
        secrets = _backed_up_secrets(store, plan)
        server, until = _recover(store, plan, draft, secrets, show=show)
        try:
            restored = _follow_up(
                settings, store, plan, server, secrets, until, wire=wire, show=show
            )
        finally:
            server.stop()
        shutil.rmtree(draft / _SERVER / "wal")
        show("Replacing the data folder of the server")
        return replace(restored, kept=_swap(data_dir, draft, secrets, plan, until))


def _stop_servers(data_dir: Path) -> None:
    """Stop what an `up` that was killed may have left running."""
    for name, programs in ((_SERVER, {"postgres"}), ("redis", {"redis-server", "valkey-server"})):
        if (data_dir / name).exists():
            try:
                with server_folder(data_dir, name, programs=programs) as folder:
                    folder.lock.release()
            except EmbeddedError as error:
                raise BackupError(str(error)) from None


def _backed_up_secrets(store: Store, plan: Plan) -> dict[str, str]:
    secrets: dict[str, str] = json.loads(store.read_text(f"base/{plan.backup.name}/secrets"))
    if f"{_SERVER}/{PASSWORDS}" not in secrets:
        raise BackupError(
            f"The backup {plan.backup.name} is not of an embedded server: pass --into FOLDER."
        )
    return secrets


def _recover(
    store: Store, plan: Plan, draft: Path, secrets: Mapping[str, str], *, show: Show
) -> tuple[PostgresServer, datetime | None]:
    """A server that has recovered to the moment, and the time of its last transaction."""
    folder = draft / _SERVER
    restoring.write_cluster(store, plan, folder=folder, show=show)
    (folder / PASSWORDS).write_text(secrets[f"{_SERVER}/{PASSWORDS}"])
    (folder / PASSWORDS).chmod(0o600)
    # Without queries before it is done: the server is ready only then.
    parameters = {"hot_standby": "off", **restoring.recovery_settings(plan, wal=folder / "wal")}
    show("Recovering")
    try:
        with server_folder(draft, _SERVER, programs=set()) as locked:
            if locked.user is not None:
                for path in folder.rglob("*"):
                    os.chown(path, *locked.user)
            locked.lock.release()
        server = _start(draft, parameters)
    except EmbeddedError as error:
        raise BackupError(f"The backup cannot be recovered: {error}") from None
    try:
        until = repository.follow_restore(server.superuser_url)
    except BaseException:
        server.stop()
        raise
    return server, until


def _start(draft: Path, parameters: Mapping[str, str]) -> PostgresServer:
    """Start the server, which recovers first. Raises EmbeddedError."""
    try:
        return PostgresServer.start(draft, settings=parameters)
    except EmbeddedError as error:
        if restoring.ENDED_BEFORE not in str(error):
            raise
    # All of the WAL was replayed, and no transaction in it is later than the moment.
    return PostgresServer.start(
        draft, settings={k: v for k, v in parameters.items() if k != restoring.TARGET_TIME}
    )


def _follow_up(
    settings: Settings,
    store: Store,
    plan: Plan,
    server: PostgresServer,
    secrets: Mapping[str, str],
    until: datetime | None,
    *,
    wire: Wire,
    show: Show,
) -> Restored:
    """Migrate the restored database, end its sessions and bring back its files."""
    show("Ending sessions")
    connected = replace(
        settings, database_url=server.owner_url, migration_database_url=server.owner_url
    )
    if not settings.encryption_keys and "encryption-key" in secrets:
        connected = replace(connected, encryption_keys=(secrets["encryption-key"],))
    # The migrations read the environment.
    os.environ |= {"DATABASE_URL": server.app_url, OWNER_URL: server.owner_url}
    migrate(replace(connected, database_url=server.app_url))
    wire(connected)
    sessions = aftermath.end_sessions(restored_moment(plan, until))
    count = 0
    if settings.files_s3_bucket is None:
        show("Restoring files")
        count = files.restore_missing(store, settings.files_folder)
    return Restored(until, [], sessions, count)


def restored_moment(plan: Plan, until: datetime | None) -> datetime:
    """The moment after which everything is lost."""
    return plan.to or until or plan.backup.ended_at


def _swap(
    data_dir: Path,
    draft: Path,
    secrets: Mapping[str, str],
    plan: Plan,
    until: datetime | None,
) -> list[Path]:
    """Put the restored server in its place. Returns what was there, which is kept."""
    stamp = f"before-{clock.now():%Y%m%dT%H%M%SZ}"
    kept = []
    # Redis has only what the database can tell again, and jobs of records that no longer exist.
    for name in (_SERVER, "redis"):
        if (data_dir / name).exists():
            kept.append((data_dir / name).rename(data_dir / f"{name}.{stamp}"))
    try:
        (draft / _SERVER).rename(data_dir / _SERVER)
    except OSError:
        for path in kept:
            path.rename(data_dir / path.name.removesuffix(f".{stamp}"))
        raise
    key = data_dir / "encryption-key"
    if (text := secrets.get(key.name)) is not None and (
        not key.exists() or key.read_text() != text
    ):
        if key.exists():
            kept.append(key.rename(data_dir / f"{key.name}.{stamp}"))
        key.touch(mode=0o600)
        key.write_text(text)
    since = restored_moment(plan, until)
    (data_dir / RESTORED_NAME).write_text(json.dumps({"since": since.isoformat()}))
    return kept
