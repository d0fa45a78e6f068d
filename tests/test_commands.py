"""The `payment-flow` command."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from app.cli import main
from app.common.settings import PROJECT_ROOT
from tests.environment import empty_environment

# A fixture, which pytest finds by name.
__all__ = ["empty_environment"]

#: Commands that need no settings.
WITHOUT_SETTINGS = {
    *("api", "bench", "drill", "events", "image", "lab", "screenshots", "settings", "test"),
}
INVALID = {"PORT": "http", "BANK_PROVIDERS": "HDFC", "STRIPE_SECRET_KEY": "pk_live_12345678"}
ARGUMENTS = {
    "after-restore": ["--since", "2026-11-01"],
    "create-admin": ["ann@example.com", "--password", "correct horse battery"],
    "reconcile": ["--provider", "HDFC", "-"],
    "risk": ["replay"],
}


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        (command, name, value)
        for command in sorted(set(main.commands) - WITHOUT_SETTINGS)
        for name, value in INVALID.items()
        # It needs no secrets, so it cannot say whether a bank or the gateway has all of theirs.
        if command != "migrate" or name == "PORT"
    ],
)
def test_an_invalid_setting_stops_every_command(
    monkeypatch: pytest.MonkeyPatch, command: str, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    result = CliRunner().invoke(main, [command, *ARGUMENTS.get(command, [])])

    assert result.exit_code == 1
    assert result.output.startswith(f"Error: Invalid configuration: {name}: ")
    assert result.output.count("\n") == 1


def test_every_setting_is_listed() -> None:
    result = CliRunner().invoke(main, ["settings"])

    assert result.exit_code == 0
    assert "#PORT=3000\n" in result.output


def test_the_web_process_does_without_the_tables_of_the_terminal() -> None:
    code = "import sys; sys.modules['rich'] = None; import app.server, app.factory"

    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=True)


def test_serve_hides_no_module_from_what_runs_later_in_the_process() -> None:
    code = (
        "from click.testing import CliRunner; from app.cli import main;"
        " assert CliRunner().invoke(main, ['serve']).exit_code == 1; import rich.status"
    )
    env = os.environ | {"PORT": "http"}

    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, env=env, check=True)


def test_a_process_can_start_with_any_of_these_modules() -> None:
    """Each in a fork of a process that has imported nothing of ours, but what takes long. None of
    them loads what only some sinks and `risk train` need."""
    code = """
import importlib, os, sys
import flask_jwt_extended, flask_smorest, phonenumbers, psycopg, redis, rq, sqlalchemy.orm
for module in ("app.cli", "app.factory", "app.wiring", "app.worker"):
    child = os.fork()
    if child == 0:
        importlib.import_module(module)
        os._exit(len({"confluent_kafka", "sklearn"} & sys.modules.keys()))
    assert os.waitpid(child, 0)[1] == 0, module
"""
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=True)
