"""Versions of code and schema that do not fit together."""

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner
from flask import Flask

from app.cli import main
from app.common import db, schema_version
from app.local.embedded.server import failure_reason
from tests.environment import empty_environment
from tests.test_commands import ARGUMENTS, WITHOUT_SETTINGS

# A fixture, which pytest finds by name.
__all__ = ["empty_environment"]

#: Commands that use the database as it is. `up` runs `migrate`, and that one is tested apart.
COMMANDS = sorted(
    set(main.commands) - WITHOUT_SETTINGS - {"up", "migrate", "check-worker", "restore", "simulate"}
)

Run = Callable[..., Any]


@pytest.fixture
def run(committing: Flask, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the database of the tests."""
    url = db.current().engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")

    def invoke(command: str) -> Any:
        # Before anything starts; a start would not return.
        monkeypatch.setattr("app.server.serve", lambda _: None)
        monkeypatch.setattr("app.worker.work", lambda _: None)
        monkeypatch.setattr("app.live.server.serve", lambda _: None)
        return CliRunner().invoke(main, [command, *ARGUMENTS.get(command, [])], input="")

    return invoke


def require_one_sentence(result: Any, beginning: str) -> None:
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {beginning}")
    assert result.output.count("\n") == 1


#: They are replaced one after the other, while the schema is the newer one already.
PROCESSES = ["live", "serve", "worker"]


def pretend_to_be(revision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be the version whose newest migration is this one."""
    known = schema_version.known_revisions()
    known = known[: known.index(revision) + 1]
    monkeypatch.setattr(schema_version, "known_revisions", lambda: known)


@pytest.mark.parametrize("command", PROCESSES)
def test_processes_of_the_last_release_start_on_the_newer_schema(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    pretend_to_be(schema_version.WORKS_SINCE, monkeypatch)
    assert run(command).exit_code == 0


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - set(PROCESSES)))
def test_other_commands_of_the_last_release_do_not(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    pretend_to_be(schema_version.WORKS_SINCE, monkeypatch)
    require_one_sentence(run(command), "The database has the schema of a newer version")


@pytest.mark.parametrize("command", COMMANDS)
class TestEveryCommand:
    def test_a_version_before_the_last_on_a_newer_schema_says_so(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        known = schema_version.known_revisions()
        pretend_to_be(known[known.index(schema_version.WORKS_SINCE) - 1], monkeypatch)

        require_one_sentence(run(command), "The database has the schema of a newer version")

    def test_a_new_version_on_an_older_schema_says_so(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        known = (*schema_version.known_revisions(), "9999_newer")
        monkeypatch.setattr(schema_version, "known_revisions", lambda: known)

        require_one_sentence(run(command), "The database has the schema of an older version")

    def test_an_empty_database_says_so(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        monkeypatch.setattr(schema_version, "read_revision", lambda _: None)

        require_one_sentence(run(command), "The database has no schema yet")


def test_an_old_version_does_not_migrate_a_newer_schema(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_to_be(schema_version.known_revisions()[-2], monkeypatch)

    require_one_sentence(run("migrate"), "The database has the schema of a newer version")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_process_starts_while_the_database_is_unavailable(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setattr("app.common.logging.configure", lambda _: None)
    log = Mock()
    monkeypatch.setattr("structlog.get_logger", lambda: log)

    assert run(command).exit_code == 0

    (warning,) = log.warning.mock_calls
    assert warning.args == ("database_unavailable",)
    assert "Connection refused" in warning.kwargs["error"]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            "FATAL:  database files are incompatible with server\n"
            "DETAIL:  The data directory was initialized by PostgreSQL version 17, which is not"
            " compatible with this version 18.6.\n",
            "The data directory was initialized by PostgreSQL version 17, which is not"
            " compatible with this version 18.6",
        ),
        (
            "# Can't handle RDB format version 12\n# Fatal error loading the DB. Exiting.\n",
            "# Can't handle RDB format version 12",
        ),
    ],
)
def test_a_server_on_the_data_of_another_version_says_so(output: str, reason: str) -> None:
    assert failure_reason(output) == reason
