"""Fixtures that run `payment-flow up` with its own servers."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.common.settings import PROJECT_ROOT
from tests.ports import unused_port

Up = Callable[..., "subprocess.Popen[str]"]


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary data folder."""
    # Not tmp_path: as root, PostgreSQL runs as another user, which needs access.
    made = Path(tempfile.mkdtemp(prefix="payment flow up "))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def environment_of(data_dir: Path, **variables: str) -> dict[str, str]:
    """Environment variables for a command that uses this folder and no external servers."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL")
        and not name.startswith(("BANK_", "STRIPE_", "GATEWAY_", "MAIL_", "SMTP_"))
    }
    return inherited | {"DATA_DIR": str(data_dir)} | variables


@contextmanager
def starting(data_dir: Path, *, port: int, bank_port: int, gateway_port: int) -> Iterator[Up]:
    """A function that starts `up` on these ports. Its processes are terminated afterwards."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **variables: str) -> "subprocess.Popen[str]":
        defaults = {
            "PORT": str(port),
            "BANK_PORT": str(bank_port),
            "GATEWAY_PORT": str(gateway_port),
            "MAIL_PORT": str(unused_port()),
            "MAIL_SMTP_PORT": str(unused_port()),
            "LIVE_PORT": str(unused_port()),
            "TRAFFIC_PORT": str(unused_port()),
            "WEB_WORKERS": "1",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "up", *words],
            env=environment_of(data_dir, **defaults | variables),
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


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with folder() as made:
        yield made


@pytest.fixture
def port() -> int:
    return unused_port()


@pytest.fixture
def bank_port() -> int:
    return unused_port()


@pytest.fixture
def gateway_port() -> int:
    return unused_port()


@pytest.fixture
def up(data_dir: Path, port: int, bank_port: int, gateway_port: int) -> Iterator[Up]:
    with starting(data_dir, port=port, bank_port=bank_port, gateway_port=gateway_port) as start:
        yield start


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
