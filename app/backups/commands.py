"""The commands of backups."""

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from app.common.command_group import Command
from app.common.settings import Settings

_MOMENT: Final = click.DateTime(
    [
        "%Y-%m-%d",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S.%f",
        "%Y-%m-%dT%H:%M:%S%z",
        "%Y-%m-%dT%H:%M:%S.%f%z",
    ]
)
_MEGABYTE: Final = 1_000_000

#: Loads the settings.
Load = Callable[[], Settings]
#: Loads the settings, and connects to the database.
Connect = Callable[..., Settings]
#: Connects to the database of other settings.
Wire = Callable[[Settings], object]


def commands(load: Load, connect: Connect, wire: Wire) -> tuple[click.Command, ...]:
    return (_backup(load, connect), _restore(load, wire), _after_restore(connect))


def _backup(load: Load, connect: Connect) -> click.Group:
    @click.group(invoke_without_command=True)
    @click.option("--full", is_flag=True, help="Not only what has changed since the last backup.")
    @click.pass_context
    def backup(context: click.Context, full: bool) -> None:
        """Back up the database and files (list, verify, archive, check).

        An incremental backup is made if there is a full one of the last seven days.
        """
        if context.invoked_subcommand is None:
            from app.backups import run, store

            settings = connect(for_backup=True)
            made = run.make(settings, store.open_store(settings), full=full, show=click.echo)
            click.echo(f"Made the backup {made.name} ({made.size / _MEGABYTE:.1f} MB).")

    @backup.command("list")
    def list_backups() -> None:
        """List the backups, and the time that can be restored."""
        from app.backups import store

        found = store.open_store(load()).backups()
        for each in found:
            size = f"{each.size / _MEGABYTE:.1f} MB"
            click.echo(f"{each.name:<32}{each.ended_at:%Y-%m-%d %H:%M:%S} UTC {size:>12}")
        if found:
            click.echo(
                f"Any time since {found[0].ended_at:%Y-%m-%d %H:%M:%S} UTC can be restored"
                " for which there is WAL."
            )
        else:
            click.echo("There are no backups yet.")

    @backup.command()
    @click.argument("name", required=False)
    def verify(name: str | None) -> None:
        """Read a backup (default: the last one) and its WAL; fails if it cannot be restored."""
        from app.backups import store, verification
        from app.backups.errors import BackupError

        opened = store.open_store(load())
        found = [each for each in opened.backups() if name in (None, each.name)]
        if not found:
            raise BackupError(f"There is no backup {name}." if name else "There are no backups.")
        segments = verification.verify(opened, found[-1])
        click.echo(f"{found[-1].name} can be restored: every file, and {segments} WAL segments.")

    for command in (_archive(connect), _check(connect)):
        backup.add_command(command)
    return backup


def _archive(connect: Connect) -> click.Command:
    @click.command()
    def archive() -> None:
        """Archive the WAL and make backups regularly, until stopped. `up` runs it."""
        from app.backups import run, store

        settings = connect(for_backup=True)
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        run.archive(settings, store.open_store(settings), stopping)

    return archive


def _check(connect: Connect) -> click.Command:
    @click.command()
    def check() -> None:
        """Fail unless the WAL is being archived now."""
        from app.backups import run

        run.require_archiving(connect(for_backup=True))

    return check


def _restore(load: Load, wire: Wire) -> click.Command:
    @click.command(cls=Command)
    @click.option("--to", "moment", type=_MOMENT, help="Time (UTC); default: the last transaction.")
    @click.option(
        "--into",
        metavar="FOLDER",
        help="Write a data directory for a server of your own here.",
    )
    @click.option("--yes", is_flag=True, help="Do not ask.")
    def restore(moment: datetime | None, into: str | None, yes: bool) -> None:
        """Restore the database as it was at a time. What it replaces is kept."""
        from app.backups import run, store
        from app.backups.errors import BackupError

        settings = load()
        opened = store.open_store(settings)
        to = None if moment is None else _utc(moment)
        if into is None and settings.database_url is not None:
            raise BackupError(
                "DATABASE_URL names a server of your own: pass --into FOLDER for its data."
            )
        plan = run.plan(settings, opened, to)
        if into is not None:
            run.restore_into(opened, plan, Path(into), show=click.echo)
            return
        what = f"{to:%Y-%m-%d %H:%M:%S} UTC" if to else "the last archived transaction"
        if not yes:
            click.confirm(f"Replace the database in {settings.data_folder} by {what}?", abort=True)
        run.restore_embedded(settings, opened, plan, wire=wire, show=click.echo)

    return restore


def _after_restore(connect: Connect) -> click.Command:
    @click.command("after-restore", cls=Command)
    @click.option("--since", type=_MOMENT, required=True, help="The time that was restored (UTC).")
    def after_restore(since: datetime) -> None:
        """End sessions of a restored database, and fetch events of banks and the gateway again.

        Files that are missing are copied back.
        """
        from app.backups import aftermath, run

        settings = connect()
        moment = _utc(since)
        count = aftermath.end_sessions(moment)
        click.echo(f"Ended {count} sessions that were restored.")
        if settings.backup_dir is not None:
            click.echo(f"Restored {run.restore_files(settings)} files.")
        for line in aftermath.fetch_events(moment):
            click.echo(line)

    return after_restore


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
