"""Which backups, WAL segments and files are deleted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.backups import files, retention
from app.backups.errors import BackupError
from app.backups.segments import Segment
from app.backups.store import Backup, Store
from app.insights.health.models import BackupKind

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 27, tzinfo=UTC)
SIZE = 16 * 2**20


def backup(days_ago: int, *, parent: Backup | None = None) -> Backup:
    """Its WAL begins in the segment 100 - days_ago."""
    at = NOW - days_ago * DAY
    start = (100 - days_ago) * SIZE + 40
    return Backup(
        name=f"{at:%Y%m%dT%H%M%SZ}-{'incremental' if parent else 'full'}",
        kind=BackupKind.INCREMENTAL if parent else BackupKind.FULL,
        parent=parent.name if parent else None,
        system="1",
        version=18,
        timeline=1,
        start=start,
        stop=start + 100,
        segment_bytes=SIZE,
        started_at=at,
        ended_at=at,
        size=1,
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "backups", ["k" * 32])
    store.create_folders()
    return store


def add(store: Store, made: Backup, *, kept: str = "") -> None:
    folder = store.begin(made.name)
    store.write(f"{folder}/files", [kept.encode()])
    store.complete(made)


def outdated(backups: list[Backup], *, days: int) -> list[str]:
    return [each.name for each in retention.outdated(backups, before=NOW - days * DAY)]


def test_the_last_backup_before_the_period_is_kept() -> None:
    backups = [backup(days) for days in (20, 15, 10, 5)]

    assert outdated(backups, days=14) == [backups[0].name]
    assert outdated(backups, days=15) == [backups[0].name]
    assert outdated(backups, days=16) == []
    assert outdated(backups, days=1) == [each.name for each in backups[:3]]


def test_what_an_incremental_backup_continues_is_kept() -> None:
    first = backup(20)
    second = backup(19, parent=first)
    third = backup(18, parent=second)
    other = backup(17, parent=first)
    full = backup(3)

    assert outdated([first, second, third, other, full], days=14) == [second.name, third.name]
    assert outdated([first, second, third, other, full], days=2) == [
        each.name for each in (first, second, third, other)
    ]


def test_the_only_backup_is_never_outdated() -> None:
    assert outdated([backup(400)], days=14) == []
    assert outdated([], days=14) == []


def test_wal_and_files_that_no_backup_needs_are_deleted(store: Store, tmp_path: Path) -> None:
    content = tmp_path / "content"
    for name in ("aa/bb/old", "aa/bb/both", "cc/dd/new"):
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        (content / name).write_text(name)
    files.copy_new(store, content)
    add(store, backup(20), kept="aa/bb/old\naa/bb/both")
    add(store, backup(15), kept="aa/bb/both")
    (content / "aa/bb/old").unlink()
    (content / "aa/bb/both").unlink()
    for number in range(79, 90):
        (store.wal / Segment(number, 1).name(SIZE)).touch()

    deleted = retention.clean_up(store, now=NOW, retention=14 * DAY, files_folder=content)

    assert deleted == retention.Deleted(backups=1, segments=6, files=1)
    assert [each.name for each in store.backups()] == [backup(15).name]
    assert min(store.segments(SIZE)) == Segment(85, 1)
    assert files.restore_missing(store, content) == 1
    assert (content / "aa/bb/both").read_text() == "aa/bb/both"
    assert not (content / "aa/bb/old").exists()


def test_a_segment_is_never_replaced_by_another(store: Store, tmp_path: Path) -> None:
    segment = tmp_path / Segment(3, 1).name(SIZE)
    segment.write_bytes(b"one")
    store.archive(segment)
    store.archive(segment)  # it was archived, and the receiver died before it knew
    segment.write_bytes(b"two")

    with pytest.raises(BackupError, match=r"archived with other contents: is this the folder"):
        store.archive(segment)

    assert store.read_text(f"wal/{segment.name}") == "one"


def test_a_backup_that_is_being_made_does_not_exist(store: Store) -> None:
    store.begin("20261127T000000Z-full")

    assert store.backups() == []


def test_a_backup_whose_parent_is_missing_says_so(store: Store) -> None:
    first = backup(3)
    second = replace(backup(2, parent=first))
    add(store, second)

    with pytest.raises(BackupError, match=f"The backup {first.name}, which .* needs, is missing"):
        store.chain(second)
