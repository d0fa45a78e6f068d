"""Making a data directory of a past moment out of backups."""

import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tarfile import TarInfo

from app.backups import manifest, programs
from app.backups.errors import BackupError
from app.backups.segments import PARTIAL, Segment, in_history
from app.backups.store import Backup, Store
from app.backups.verification import require_wal

#: What PostgreSQL says when no transaction is later than the moment it should stop at.
ENDED_BEFORE = "recovery ended before configured recovery target was reached"
#: The parameter with the moment.
TARGET_TIME = "recovery_target_time"
#: Where PostgreSQL keeps parameters that were set by SQL. It runs commands in the same folder.
_AUTO_CONF = "postgresql.auto.conf"
#: A comment at the end of what is needed once.
_ONCE = "# for the restore"

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore reads. to: the moment, None for the end of the archive; last: number of the
    last WAL segment that is needed, None for all."""

    to: datetime | None
    chain: Sequence[Backup]
    last: int | None

    @property
    def backup(self) -> Backup:
        return self.chain[-1]


def plan(store: Store, *, to: datetime | None, now: datetime) -> Plan:
    """Choose the backup, and require what is needed with it. Raises BackupError."""
    if to is not None and to > now:
        raise BackupError(f"{to:%Y-%m-%d %H:%M:%S} UTC is in the future.")
    history = store.history()
    usable = [each for each in store.backups() if history.contains(each.timeline, each.stop)]
    if not usable:
        raise BackupError(f"There are no backups in {store.folder}.")
    before = [each for each in usable if to is None or each.ended_at <= to]
    if not before:
        raise BackupError(
            f"The first backup was complete at {usable[0].ended_at:%Y-%m-%d %H:%M:%S} UTC:"
            " nothing before that can be restored."
        )
    # What the next backup contains was written before it.
    later = [each for each in usable if to is not None and each.started_at > to]
    last = later[0].last_segment if later else None
    require_wal(store, before[-1], last=last)
    return Plan(to, store.chain(before[-1]), last)


def write_cluster(store: Store, plan: Plan, *, folder: Path, show: Show) -> Path:
    """Write the data directory `cluster` in the folder, ready for recovery, and the WAL `wal`
    beside it. Returns the data directory.

    Every file is checked while it is written. Raises BackupError.
    """
    cluster, parts = folder / "cluster", folder / "parts"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    for number, backup in enumerate(plan.chain):
        show(f"Reading the backup {backup.name}")
        target = cluster if len(plan.chain) == 1 else parts / str(number)
        _extract(store, backup, target)
        written.append(target)
    if len(plan.chain) > 1:
        show("Combining the backups")
        program = programs.path_of("pg_combinebackup", version=plan.backup.version, is_exact=True)
        programs.run([program, *written, f"--output={cluster}"])
        shutil.rmtree(parts)
    (cluster / "recovery.signal").touch(mode=0o600)
    show("Reading the WAL")
    _write_wal(store, plan, folder / "wal")
    os.sync()
    return cluster


def recovery_settings(plan: Plan, *, wal: Path) -> dict[str, str]:
    """The parameters of PostgreSQL with which it recovers to the moment. wal: absolute."""
    folder = shlex.quote(str(wal)).replace("%", "%%")
    settings = {
        "restore_command": f'cp {folder}/%f "%p"',
        "recovery_target_action": "promote",
        "recovery_target_timeline": "latest",
    }
    return settings if plan.to is None else settings | {TARGET_TIME: plan.to.isoformat()}


def append_settings(cluster: Path, settings: Mapping[str, str]) -> None:
    """Write parameters where an operator's own server finds them. They are removed when it has
    recovered: a replica that copies it would stop at the moment, too."""
    # Without connections before it is done: `pg_isready` says when.
    once = {
        "hot_standby": "off",
        **settings,
        "recovery_end_command": f"sed -i '/{_ONCE}$/d' {_AUTO_CONF}",
    }
    with (cluster / _AUTO_CONF).open("a") as file:
        for name, value in once.items():
            escaped = value.replace("\\", "\\\\").replace("'", "''")
            file.write(f"{name} = '{escaped}'  {_ONCE}\n")


def _extract(store: Store, backup: Backup, target: Path) -> None:
    root = target.absolute()

    def visit(member: TarInfo, pieces: Iterator[bytes]) -> None:
        path = Path(os.path.normpath(root / member.name))
        if not path.is_relative_to(root) or not (member.isdir() or member.isfile()):
            raise BackupError(f"The backup {backup.name} contains {member.name}, which it may not.")
        if member.isdir():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines(pieces)

    root.mkdir(mode=0o700, parents=True)
    raw = b"".join(store.read(f"base/{backup.name}/manifest"))
    manifest.check(
        store.read(f"base/{backup.name}/tar"),
        what=f"The backup {backup.name}",
        visit=visit,
        raw=raw,
    )


def _write_wal(store: Store, plan: Plan, folder: Path) -> None:
    """Write what recovery may read. A partial segment is read as far as it goes."""
    folder.mkdir(mode=0o700)
    size, history = plan.backup.segment_bytes, store.history()
    complete = set(store.segments(size))
    partial = set(store.segments(size, partial=True)) - complete
    for segment in in_history(complete | partial, history, size=size):
        if _is_needed(segment, plan):
            name = segment.name(size)
            _write(store, f"wal/{name}{'' if segment in complete else PARTIAL}", folder / name)
    for name in store.histories():
        _write(store, f"wal/{name}", folder / name)


def _is_needed(segment: Segment, plan: Plan) -> bool:
    return segment.number >= plan.backup.first_segment and (
        plan.last is None or segment.number <= plan.last
    )


def _write(store: Store, name: str, path: Path) -> None:
    with path.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.writelines(store.read(name))
