"""Deleting what no restore needs any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.backups import files
from app.backups.segments import PARTIAL
from app.backups.store import Backup, Store


@dataclass(frozen=True, slots=True)
class Deleted:
    """Numbers of what was deleted."""

    backups: int
    segments: int
    files: int


def outdated(backups: Sequence[Backup], *, before: datetime) -> list[Backup]:
    """The backups that no restore of a moment since `before` needs.

    backups: oldest first. Such a restore begins with the last backup before that moment, and an
    incremental one needs all those it continues.
    """
    older = [each for each in backups if each.ended_at <= before]
    if not older:
        return []
    kept = [older[-1], *backups[len(older) :]]
    needed = {each.name for each in kept}
    named = {each.name: each for each in backups}
    for each in kept:
        parent = each.parent
        while parent in named:
            needed.add(parent)
            parent = named[parent].parent
    return [each for each in backups if each.name not in needed]


def clean_up(
    store: Store, *, now: datetime, retention: timedelta, files_folder: Path | None
) -> Deleted:
    """Delete backups, WAL and files that are not needed to restore any moment within `retention`.

    WAL is needed from the beginning of the oldest backup that is kept.
    """
    deleted = outdated(store.backups(), before=now - retention)
    # Those that others continue last: what is left after an interruption is complete.
    for backup in reversed(deleted):
        store.delete(backup)
    kept = store.backups()
    segments = 0
    if kept:
        first = min(each.first_segment for each in kept)
        size = kept[0].segment_bytes
        for end, is_partial in (("", False), (PARTIAL, True)):
            for segment in store.segments(size, partial=is_partial):
                if segment.number < first:
                    store.delete_segment(segment.name(size) + end)
                    segments += 1
    unused = files.delete_unused(store, files_folder) if deleted else 0
    return Deleted(len(deleted), segments, unused)
