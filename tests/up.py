"""The whole product as `payment-flow up` starts it, for tests."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

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
def bank_port() -> int:
    return free_port()


@pytest.fixture
def up(data_dir: Path, port: int, bank_port: int) -> Iterator[Up]:
    """Start `up` with servers of its own; whatever is left of it is killed after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **variables: str) -> "subprocess.Popen[str]":
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL")
            and not name.startswith("BANK_")
        }
        own = {"PORT": str(port), "BANK_PORT": str(bank_port), "DATA_DIR": str(data_dir)}
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "up", *words],
            env=environment | own | {"WEB_WORKERS": "1"} | variables,
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
