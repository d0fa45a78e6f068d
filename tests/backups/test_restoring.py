"""Backups of a real server: made, archived, verified, and restored to any moment."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from app.backups import creation, embedded, restoring, verification
from app.backups.archiver import Archiver
from app.backups.creation import Source
from app.backups.errors import BackupError
from app.backups.segments import PARTIAL
from app.backups.store import Backup, Store
from app.cli import main
from app.insights.health.models import BackupKind
from app.local.embedded import PostgresServer
from tests.environment import empty_environment
from tests.live import wait_until
from tests.local.helpers import folder

# A fixture, which pytest finds by name.
__all__ = ["empty_environment"]

pytestmark = [pytest.mark.stress, pytest.mark.embedded]

KEY = "Z3vQ8mT1xK6nR4bW9cJ2hL7pF5sD0gYa"
SEGMENT = 16 * 2**20
FAST = {"fsync": "off", "summarize_wal": "on", "archive_timeout": "0"}


@dataclass(frozen=True)
class Archive:
    """Backups of a table `t` with a row for each moment. moments: when each row was the last."""

    folder: Path
    moments: list[datetime]
    backups: list[Backup]

    @property
    def store(self) -> Store:
        return Store(self.folder, [KEY])


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """A full backup, a row, an incremental backup, and two more rows."""
    with folder() as data_dir:
        store = Store(tmp_path_factory.mktemp("backups"), [KEY])
        server = PostgresServer.start(data_dir, settings=FAST)
        stopping = threading.Event()
        archiver = Archiver(store, server.backup_url, data_dir / "spool", None, stopping)
        thread = threading.Thread(target=archiver.run)
        thread.start()
        moments: list[datetime] = []
        try:
            source = Source(server.backup_url, None, embedded.read_secrets(data_dir))
            with closing(
                psycopg.connect(server.superuser_url, autocommit=True, connect_timeout=30)
            ) as connection:

                def insert() -> None:
                    connection.execute("INSERT INTO t DEFAULT VALUES")
                    moments.append(now(connection))
                    connection.execute("SELECT pg_sleep(0.2)")

                connection.execute("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY)")
                made = [creation.create(store, source, full=False, show=print)]
                insert()
                made.append(creation.create(store, source, full=False, show=print))
                insert()
                connection.execute("SELECT pg_switch_wal()")
                insert()
        finally:
            stopping.set()
            thread.join()
            server.stop()
        yield Archive(store.folder, moments, made)


def now(connection: Any) -> datetime:
    (moment,) = connection.execute("SELECT clock_timestamp() + interval '50 ms'").fetchone()
    assert isinstance(moment, datetime)
    return moment


@pytest.fixture
def copy(archive: Archive, tmp_path: Path) -> Archive:
    """One that a test may damage."""
    shutil.copytree(archive.folder, tmp_path / "copy")
    return Archive(tmp_path / "copy", archive.moments, archive.backups)


def plan(archive: Archive, to: datetime | None) -> restoring.Plan:
    return restoring.plan(archive.store, to=to, now=datetime.now(UTC))


@pytest.mark.parametrize(("moment", "rows"), [(0, 1), (1, 2), (2, 3), (None, 3)])
def test_each_moment_is_restored_exactly(archive: Archive, moment: int | None, rows: int) -> None:
    chosen = plan(archive, None if moment is None else archive.moments[moment])
    store = archive.store
    with folder() as data_dir:
        secrets = embedded._backed_up_secrets(store, chosen)
        server, until = embedded._recover(store, chosen, data_dir / "new", secrets, show=print)
        try:
            with closing(psycopg.connect(server.superuser_url, connect_timeout=30)) as connection:
                found = connection.execute(
                    "SELECT count(*), (SELECT count(*) FROM pg_replication_slots) FROM t"
                ).fetchone()
        finally:
            server.stop()

    assert found == (rows, 1)
    assert until is not None
    if moment is not None:
        assert until <= archive.moments[moment]


def test_the_second_backup_is_incremental_and_small(archive: Archive) -> None:
    full, incremental = archive.backups

    assert (full.kind, incremental.kind) == (BackupKind.FULL, BackupKind.INCREMENTAL)
    assert incremental.parent == full.name
    assert incremental.size < full.size / 5
    assert archive.store.backups() == archive.backups


def test_a_data_directory_is_written_for_a_server_of_ones_own(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = tmp_path / "it's 100% new"
    result = restore(archive, monkeypatch, "--into", str(into), to=archive.moments[1])

    assert result.exit_code == 0, result.output
    assert f"data directory {into}/cluster" in result.output
    assert (into / "cluster" / "recovery.signal").exists()
    settings = (into / "cluster" / "postgresql.auto.conf").read_text()
    assert f"recovery_target_time = '{archive.moments[1].isoformat()}'" in settings
    assert "100%% new" in settings
    again = restore(archive, monkeypatch, "--into", str(into))
    assert (again.exit_code, again.output) == (1, f"Error: {into} is not empty.\n")


def restore(
    archive: Archive,
    monkeypatch: pytest.MonkeyPatch,
    *arguments: str,
    to: datetime | None = None,
    key: str = KEY,
) -> Result:
    """Run the command, on a data folder with a database that it may not touch."""
    with folder() as data:
        (data / "postgres" / "cluster").mkdir(parents=True)
        (data / "postgres" / "cluster" / "PG_VERSION").write_text("precious")
        before = files_of(data)
        monkeypatch.setenv("DATA_DIR", str(data))
        monkeypatch.setenv("BACKUP_DIR", str(archive.folder))
        monkeypatch.setenv("BACKUP_KEYS", key)
        words = ["--to", to.isoformat()] if to else []
        result = CliRunner().invoke(main, ["restore", "--yes", *words, *arguments])
        assert files_of(data) == before
    return result


def files_of(data: Path) -> dict[str, bytes]:
    """All files with their content, without locks."""
    kept = {str(path): path.read_bytes() for path in data.rglob("*") if path.is_file()}
    return {name: text for name, text in kept.items() if not name.endswith("lock")}


def segment(archive: Archive, index: int) -> Path:
    """A file of the WAL: complete segments in order."""
    return (
        archive.folder
        / "wal"
        / sorted(name for name in os.listdir(archive.folder / "wal") if len(name) == 24)[index]
    )


def change(path: Path) -> None:
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)


class TestRefusals:
    """Each is one sentence, and changes nothing."""

    def refusal(self, monkeypatch: pytest.MonkeyPatch, archive: Archive, **given: Any) -> str:
        result = restore(archive, monkeypatch, **given)
        assert result.exit_code == 1, result.output
        sentence: str = result.output.splitlines()[-1]
        assert sentence.startswith("Error: ")
        assert sentence.endswith(".")
        return sentence

    def test_a_time_in_the_future(self, monkeypatch: pytest.MonkeyPatch, archive: Archive) -> None:
        later = datetime.now(UTC) + timedelta(hours=1)

        assert "is in the future" in self.refusal(monkeypatch, archive, to=later)

    def test_a_time_before_the_first_backup(
        self, monkeypatch: pytest.MonkeyPatch, archive: Archive
    ) -> None:
        early = archive.backups[0].ended_at - timedelta(seconds=1)

        assert "nothing before that" in self.refusal(monkeypatch, archive, to=early)

    def test_a_wrong_key(self, monkeypatch: pytest.MonkeyPatch, archive: Archive) -> None:
        sentence = self.refusal(monkeypatch, archive, key="another" * 5)

        assert "a key that is not among BACKUP_KEYS" in sentence

    @pytest.mark.parametrize("index", [1, -1])
    def test_a_missing_segment(
        self, monkeypatch: pytest.MonkeyPatch, copy: Archive, index: int
    ) -> None:
        missing = segment(copy, index)
        missing.unlink()

        # The first row needs the full backup and its WAL.
        sentence = self.refusal(monkeypatch, copy, to=copy.moments[0] if index == 1 else None)
        assert f"The WAL segment {missing.name} is missing" in sentence
        with pytest.raises(BackupError, match="is missing"):
            verification.verify(copy.store, copy.backups[0])

    @pytest.mark.parametrize("name", ["tar", "manifest", "backup", "secrets"])
    def test_a_changed_backup(
        self, monkeypatch: pytest.MonkeyPatch, copy: Archive, name: str
    ) -> None:
        for backup in copy.backups:
            change(copy.folder / "base" / backup.name / name)

        assert f"/{name} is damaged" in self.refusal(monkeypatch, copy)

    def test_a_changed_segment(self, monkeypatch: pytest.MonkeyPatch, copy: Archive) -> None:
        change(segment(copy, -1))

        assert "is damaged: it was changed or cut off" in self.refusal(monkeypatch, copy)
        with pytest.raises(BackupError, match="is damaged"):
            verification.verify(copy.store, copy.backups[1])

    def test_a_missing_parent(self, monkeypatch: pytest.MonkeyPatch, copy: Archive) -> None:
        shutil.rmtree(copy.folder / "base" / copy.backups[0].name)

        assert "which " in self.refusal(monkeypatch, copy)

    def test_no_backups(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        empty = Archive(tmp_path / "empty", [], [])

        assert "There are no backups in" in self.refusal(monkeypatch, empty)


def test_a_backup_of_which_everything_is_there_is_verified(archive: Archive) -> None:
    for backup in archive.backups:
        assert verification.verify(archive.store, backup) > 0
    assert any(name.endswith(PARTIAL) for name in os.listdir(archive.folder / "wal"))


def test_a_segment_that_cannot_be_stored_is_archived_later(tmp_path: Path) -> None:
    """The folder of the backups is away for a while: nothing is lost, and nothing is received."""
    with folder() as data_dir:
        server = PostgresServer.start(data_dir, settings=FAST)
        store = Store(tmp_path / "backups", [KEY])
        stopping = threading.Event()
        archiver = Archiver(store, server.backup_url, data_dir / "spool", None, stopping)
        thread = threading.Thread(target=archiver.run)
        thread.start()
        try:
            with closing(
                psycopg.connect(server.superuser_url, autocommit=True, connect_timeout=30)
            ) as connection:

                def write() -> None:
                    connection.execute("CREATE TABLE IF NOT EXISTS t AS SELECT 1")
                    connection.execute("INSERT INTO t VALUES (1)")
                    connection.execute("SELECT pg_switch_wal()")

                wait_until(lambda: is_received(connection), seconds=40)
                write()
                wait_until(lambda: len(store.segments(SEGMENT)) == 1, seconds=40)
                store.folder.rename(tmp_path / "away")
                store.folder.write_text("not a folder")
                write()
                write()
                wait_until(lambda: not is_received(connection), seconds=40)
                store.folder.unlink()
                (tmp_path / "away").rename(store.folder)
                wait_until(lambda: len(store.segments(SEGMENT)) == 3, seconds=40)
        finally:
            stopping.set()
            thread.join()
            server.stop()

    assert sorted(each.number for each in store.segments(SEGMENT)) == [1, 2, 3]


def is_received(connection: Any) -> bool:
    return (
        connection.execute("SELECT FROM pg_replication_slots WHERE active").fetchone() is not None
    )
