"""What `up` keeps running, and how often it tries."""

import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from app.local import processes, supervision
from app.local.embedded import EmbeddedError, PostgresServer, RedisServer
from app.local.supervision import Backoff, LogRotation, Service, SupervisedServer
from tests.live import wait_until
from tests.local.helpers import data_dir

# A fixture, which pytest finds by name.
__all__ = ["data_dir"]


@pytest.fixture
def reports() -> list[str]:
    return []


def check_until(supervised: supervision.Supervised, condition: object) -> None:
    def checked() -> bool:
        supervised.check()
        return bool(condition())  # type: ignore[operator]

    wait_until(checked)


class TestBackoff:
    def test_the_first_restart_is_immediate_and_pauses_double(self) -> None:
        backoff = Backoff()
        assert [backoff.next_pause() for _ in range(9)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]

    def test_it_is_immediate_again_for_what_has_run_a_while(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [0.0]
        monkeypatch.setattr(supervision.time, "monotonic", lambda: now[0])
        backoff = Backoff()
        backoff.next_pause()
        backoff.next_pause()
        backoff.started()
        now[0] = 6
        assert backoff.next_pause() == 0


class TestService:
    def test_it_is_started_again_however_often_it_ends(
        self, tmp_path: Path, reports: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervision, "_SECOND_PAUSE_SECONDS", 0.01)
        monkeypatch.setattr(supervision, "_MAX_PAUSE_SECONDS", 0.02)
        service = Service(
            "failing", ["this"], tmp_path / "log", {"PATH": str(tmp_path)}, reports.append
        )

        check_until(service, lambda: len(reports) >= 8)

        assert all("`failing` ended unexpectedly (exit code 0)" in text for text in reports)

    def test_a_program_that_cannot_be_started_is_tried_again(
        self, tmp_path: Path, reports: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervision, "_SECOND_PAUSE_SECONDS", 0.01)
        service = Service("failing", ["this"], tmp_path / "log", {}, reports.append)

        def fail(*_: object, **__: object) -> None:
            raise OSError(12, "Cannot allocate memory")

        monkeypatch.setattr(supervision, "launch", fail)
        check_until(service, lambda: any("Cannot allocate memory" in text for text in reports))


class TestServers:
    def test_a_killed_postgresql_is_restarted_with_its_data_at_its_address(
        self, data_dir: Path, reports: list[str]
    ) -> None:
        server = PostgresServer.start(data_dir)
        supervised = SupervisedServer("PostgreSQL", server, reports.append)
        try:
            with psycopg.connect(server.owner_url) as connection:
                connection.execute("CREATE TABLE kept (id int)")
            processes.stop(server._process)

            check_until(supervised, lambda: server.is_running)

            with psycopg.connect(server.owner_url) as connection:
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
            assert "`PostgreSQL` ended unexpectedly" in reports[0]
        finally:
            server.stop()

    def test_a_killed_redis_is_restarted_at_its_address(
        self, data_dir: Path, reports: list[str]
    ) -> None:
        server = RedisServer.start(data_dir)
        supervised = SupervisedServer("Redis", server, reports.append)
        try:
            for _ in range(2):
                processes.stop(server._process)
                check_until(supervised, lambda: server.is_running)
                assert redis.Redis.from_url(server.url).ping()
        finally:
            server.stop()

    def test_a_server_that_does_not_start_is_tried_again(
        self, tmp_path: Path, reports: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervision, "_SECOND_PAUSE_SECONDS", 0.01)

        class Broken:
            log = tmp_path / "log"
            is_running = False
            attempts = 0

            def restart(self) -> None:
                self.attempts += 1
                raise EmbeddedError("PostgreSQL did not start: no space left.")

        Broken.log.write_text("")
        broken = Broken()
        check_until(
            SupervisedServer("PostgreSQL", broken, reports.append), lambda: broken.attempts >= 3
        )
        assert any("no space left" in text for text in reports)


class TestRotation:
    def test_a_large_log_is_moved_while_its_process_writes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "_LOG_ROTATION_BYTES", 10_000)
        log = tmp_path / "web.log"
        program = "import time\nwhile True: print('x' * 99, flush=True); time.sleep(0.0005)"
        process = processes.launch(
            [sys.executable, "-c", program], log=log, death_signal=processes.signal.SIGTERM,
            cwd=tmp_path,
        )  # fmt: skip
        rotation = LogRotation(lambda: [log])
        try:
            wait_until(lambda: log.stat().st_size > 10_000)
            rotation.check()
            assert (tmp_path / "web.log.1").stat().st_size > 10_000
            assert log.stat().st_size < 10_000
            size = log.stat().st_size
            wait_until(lambda: log.stat().st_size > size)
            assert log.read_bytes()[:1] == b"x"
        finally:
            processes.stop(process)

    def test_a_full_disk_loses_the_old_log_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(processes.shutil, "copyfile", fail)
        log = tmp_path / "web.log"
        log.write_bytes(b"x" * (processes._LOG_ROTATION_BYTES + 1))

        processes.rotate(log)

        assert log.stat().st_size == 0
        assert not (tmp_path / "web.log.1").exists()

    def test_it_looks_at_most_every_few_seconds(self) -> None:
        looked: list[float] = []

        def logs() -> list[Path]:
            looked.append(time.monotonic())
            return []

        rotation = LogRotation(logs)
        for _ in range(100):
            rotation.check()
        assert len(looked) == 1
