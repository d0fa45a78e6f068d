"""`payment-flow up`: everything with one command, and nothing left when it ends."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.common.processes import free_port
from app.common.settings import PROJECT_ROOT

Up = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # Not tmp_path: as root, PostgreSQL runs as somebody else and has to get in.
    folder = Path(tempfile.mkdtemp(prefix="payment flow up "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def up(data_dir: Path, port: int) -> Iterator[Up]:
    """Start `up` with servers of its own; whatever is left of it is killed after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **variables: str) -> "subprocess.Popen[str]":
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL")
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "up", *words],
            env=environment
            | {"PORT": str(port), "DATA_DIR": str(data_dir), "WEB_WORKERS": "1"}
            | variables,
            cwd=PROJECT_ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=40)


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def family(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def ready(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10) as answer:
        return int(answer.status)


@contextmanager
def nothing_survives(relatives: list[psutil.Process]) -> Iterator[None]:
    yield
    _, alive = psutil.wait_procs(relatives, timeout=15)
    assert [process.name() for process in alive if process.is_running()] == []


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_leaves_nothing_behind_when_told_to_stop(
    up: Up, port: int, end: signal.Signals
) -> None:
    process = up("--no-demo", "--quiet")
    assert first_line(process) == f"http://127.0.0.1:{port}"
    assert ready(port) == 200
    relatives = family(process)
    assert {"postgres", "python"} <= {p.name().split("3")[0] for p in relatives}
    with nothing_survives(relatives):
        process.send_signal(end)
        assert process.wait(30) == 0


@pytest.mark.linux
def test_killed_without_mercy_it_leaves_nothing_behind_and_starts_again(up: Up, port: int) -> None:
    process = up("--no-demo", "--quiet")
    first_line(process)
    with nothing_survives(family(process)):
        process.kill()
    again = up("--no-demo", "--quiet")
    assert first_line(again) == f"http://127.0.0.1:{port}"
    assert ready(port) == 200


def test_the_demo_is_there_after_the_first_start_and_log_ins_are_shown(up: Up, port: int) -> None:
    process = up(BCRYPT_ROUNDS="4")
    shown = ""
    while "Press Ctrl-C" not in shown:
        shown += first_line(process) + "\n"
    for word in ("/api/v1", "/api/docs", "/api/redoc", "ada@demo.example.com", "ADMIN"):
        assert word in shown
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/products?limit=100") as answer:
        assert answer.read().count(b'"availableUnits"') >= 60


def test_a_second_start_says_what_is_already_running(up: Up, port: int) -> None:
    process = up("--no-demo", "--quiet")
    first_line(process)
    second = up("--no-demo", "--quiet")
    _, told = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "already running" in told
    assert str(process.pid) in told
    assert ready(port) == 200


class TestWhatCannotWork:
    """One clear sentence, and an exit code that is not 0."""

    def refusal(self, process: "subprocess.Popen[str]") -> str:
        _, told = process.communicate(timeout=40)
        assert process.returncode not in (0, None)
        assert "Traceback" not in told
        assert len(told.strip().splitlines()) <= 4
        return told

    def test_a_port_that_is_taken(self, up: Up, port: int) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
            other.listen()
            assert str(port) in self.refusal(up("--no-demo"))

    def test_a_database_url_that_is_none(self, up: Up) -> None:
        assert "DATABASE_URL" in self.refusal(up("--no-demo", DATABASE_URL="mysql://nope"))

    def test_a_database_that_is_away(self, up: Up) -> None:
        started = time.monotonic()
        url = f"postgresql://a:secret@127.0.0.1:{free_port()}/x"
        told = self.refusal(up("--no-demo", DATABASE_URL=url))
        assert "secret" not in told
        assert time.monotonic() - started < 30

    def test_a_data_folder_that_is_a_file(self, up: Up, data_dir: Path) -> None:
        (data_dir / "file").write_text("")
        assert "file" in self.refusal(up("--no-demo", DATA_DIR=str(data_dir / "file")))
