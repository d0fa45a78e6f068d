"""Whether a backup can be restored: every file is read, and the WAL is complete."""

from app.backups import manifest
from app.backups.errors import BackupError
from app.backups.segments import Segment, first_gap, in_history
from app.backups.store import Backup, Store


def verify(store: Store, backup: Backup) -> int:
    """Read the backup with those that it continues, its files, and the WAL since. Returns the
    number of WAL segments that were read.

    Raises BackupError for the first thing that is missing, changed, or encrypted with another key.
    """
    for each in store.chain(backup):
        what = f"The backup {each.name}"
        raw = b"".join(store.read(f"base/{each.name}/manifest"))
        manifest.check(store.read(f"base/{each.name}/tar"), what=what, raw=raw)
    for name in store.read_text(f"base/{backup.name}/files").splitlines():
        for _ in store.read(f"files/{name}"):
            pass
    require_wal(store, backup)
    size = backup.segment_bytes
    segments = [each for each in store.segments(size) if each.number >= backup.first_segment]
    for segment in segments:
        _read_segment(store, segment, size)
    return len(segments)


def require_wal(store: Store, backup: Backup, *, last: int | None = None) -> None:
    """Require the WAL from the beginning of the backup to a segment, without a gap.

    last: the number of the segment; None for the end of the archive. Raises BackupError.
    """
    size, history = backup.segment_bytes, store.history()
    if not history.contains(backup.timeline, backup.stop):
        raise BackupError(
            f"The backup {backup.name} was made after the moment to which the database was restored"
            " since."
        )
    archived = in_history(store.segments(size), history, size=size)
    if not archived:
        raise BackupError(f"{store.wal} contains no WAL.")
    if last is None:
        latest = in_history([store.latest(size) or archived[-1]], history, size=size)
        last = max(each.number for each in (*archived, *latest))
    gap = first_gap(archived, first=backup.first_segment, last=max(last, backup.last_segment))
    if gap is not None:
        name = Segment(gap, history.timeline).name(size)
        raise BackupError(f"The WAL segment {name} is missing in {store.wal}.")


def _read_segment(store: Store, segment: Segment, size: int) -> None:
    name = segment.name(size)
    read = sum(len(piece) for piece in store.read(f"wal/{name}"))
    if read != size:
        raise BackupError(f"The WAL segment {name} has {read} bytes instead of {size}.")
