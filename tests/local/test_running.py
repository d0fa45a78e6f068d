"""Commands and tools that find the servers of a running `up`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.common.settings import PROJECT_ROOT, Settings, SettingsError
from app.local import running
from app.local.processes import FileLock
from tests.environment import empty_environment
from tests.local.helpers import (
    Up,
    bank_port,
    data_dir,
    environment_of,
    first_line,
    gateway_port,
    port,
    up,
)

# Fixtures, which pytest finds by name.
__all__ = ["bank_port", "data_dir", "empty_environment", "gateway_port", "port", "up"]

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://app@127.0.0.1:1/x",
    "MIGRATION_DATABASE_URL": "postgresql://owner@127.0.0.1:1/x",
}


@pytest.fixture
def described(tmp_path: Path) -> FileLock:
    """The lock of an `up`, which runs on this folder."""
    lock = FileLock(tmp_path / running.LOCK_NAME)
    assert lock.acquire()
    lock.write(json.dumps({"env": ENVIRONMENT}))
    return lock


class TestAdopting:
    def test_its_servers_are_used_as_the_application(
        self, described: FileLock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environment: dict[str, str] = {}
        monkeypatch.setattr(running.os, "environ", environment)

        assert running.adopt(Settings(data_dir=tmp_path))

        assert environment == {"DATABASE_URL": ENVIRONMENT["DATABASE_URL"]}

    def test_migrations_use_them_as_the_owner(
        self, described: FileLock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environment: dict[str, str] = {}
        monkeypatch.setattr(running.os, "environ", environment)

        assert running.adopt(Settings(data_dir=tmp_path), as_owner=True)

        assert environment == ENVIRONMENT

    def test_a_configured_database_wins(self, described: FileLock, tmp_path: Path) -> None:
        assert not running.adopt(Settings(data_dir=tmp_path, database_url="postgresql://mine"))

    def test_one_that_has_ended_is_not_used(self, described: FileLock, tmp_path: Path) -> None:
        described.release()

        assert not running.adopt(Settings(data_dir=tmp_path))

    def test_one_of_another_user_is_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / running.LOCK_NAME).mkdir()

        with pytest.raises(SettingsError, match="Cannot read"):
            running.adopt(Settings(data_dir=tmp_path))


#: Tools as a developer calls them, and what they print.
TOOLS = {
    ("flask", "routes"): "/api/v1/wallet",
    ("flask", "shell"): "",
    ("alembic", "current"): "(head)",
    ("alembic", "check"): "No new upgrade operations detected",
}


def call_tool(data_dir: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *words],
        env=environment_of(data_dir),
        cwd=PROJECT_ROOT,
        input="",
        capture_output=True,
        text=True,
    )


@pytest.mark.stress
def test_tools_work_while_up_runs(up: Up, data_dir: Path) -> None:
    first_line(up("--no-demo", "--quiet"))

    for words, text in TOOLS.items():
        result = call_tool(data_dir, *words)

        assert result.returncode == 0, result.stderr
        assert text in result.stdout + result.stderr


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("flask", "routes"), id="flask routes", marks=pytest.mark.stress),
        pytest.param(("alembic", "current"), id="alembic current"),
    ],
)
def test_without_up_tools_say_so_in_one_sentence(data_dir: Path, words: tuple[str, ...]) -> None:
    result = call_tool(data_dir, *words)

    assert result.returncode != 0
    assert "DATABASE_URL is not set" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
