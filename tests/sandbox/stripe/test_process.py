"""`python -m sandbox.stripe`: a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.common.settings import PROJECT_ROOT
from app.local.processes import free_port
from tests.stripe import SECRET_KEY, variables

NAMES = ("STRIPE_", "GATEWAY_")


def process(**environment: str) -> "subprocess.Popen[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NAMES)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "sandbox.stripe"],
        env=kept | environment,
        cwd=PROJECT_ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_it_says_where_it_is_and_ends_quietly(tmp_path: Path) -> None:
    port = str(free_port())
    with process(**variables("http://127.0.0.1:9/", tmp_path, GATEWAY_PORT=port)) as gateway:
        assert gateway.stdout is not None
        line = gateway.stdout.readline()
        gateway.terminate()
        rest = gateway.communicate(timeout=20)
    assert line == f"The gateway is open at http://127.0.0.1:{port}\n"
    assert (gateway.returncode, rest) == (0, ("", ""))


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRETS and GATEWAY_WEBHOOK_URL must be set"),
        ({**variables("http://x", Path("y")), "GATEWAY_PORT": "x"}, "'x'"),
        ({**variables("http://x", Path("y")), "GATEWAY_SLOW_SECONDS": "long"}, "'long'"),
    ],
)
def test_what_it_lacks_is_said_in_one_sentence(
    tmp_path: Path, environment: dict[str, str], told: str
) -> None:
    with process(**environment | {"DATA_DIR": str(tmp_path)}) as gateway:
        _, error = gateway.communicate(timeout=20)
    assert gateway.returncode == 1
    assert told in error
    assert len(error.splitlines()) == 1
    assert SECRET_KEY not in error
