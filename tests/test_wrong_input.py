"""Every command with every kind of wrong input: one sentence, and nothing half done."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import make_url

from app.cli import main
from app.common import db
from app.common.settings import COMMAND, Settings
from tests import factories, servers
from tests.command_runner import Outcome, run_all
from tests.ports import unused_port
from tests.test_commands import ARGUMENTS, WITHOUT_SETTINGS

Case = dict[str, Any]

#: Commands that use the database when they start.
NEED_DATABASE = sorted(
    set(main.commands) - WITHOUT_SETTINGS - {"check-worker", "restore", "simulate"}
)
#: Those that wait for it: `up` starts its own, and the others are restarted by nobody.
START_WITHOUT = {"up", "serve", "worker", "live"}
#: A value that each type of a parameter refuses. Texts and flags have none.
BAD_VALUES: dict[type, tuple[str, ...]] = {
    click.DateTime: ("yesterday",),
    click.types.IntParamType: ("many",),
    click.types.IntRange: ("many",),
    click.Choice: ("no-such-choice",),
    click.File: ("no/such/file",),
    click.Path: ("no/such/file",),
    click.Tuple: ("date",),
}
FREE = (click.types.StringParamType, click.types.BoolParamType, click.types.UnprocessedParamType)

HEADER = "date,reference,bankReference,direction,amount,currency,status\n"
LINE = "2026-11-01,a-reference,B1,CREDIT,10.00,USD,BOOKED\n"
#: Another bank's format, without a currency.
NET_BANKING = "Date,Narration,Withdrawal Amt.,Deposit Amt.\n01/11/26,UPI,,10.00\n"


def arguments_of(command: str) -> list[str]:
    return [command, *ARGUMENTS.get(command, [])]


def wrong_arguments() -> Iterator[tuple[str, list[str]]]:
    """What click refuses, for each parameter of each command. Commands that pass their arguments on
    to other programs refuse nothing themselves."""
    for name, command in main.commands.items():
        if command.context_settings.get("ignore_unknown_options"):
            continue
        yield f"{name}: unknown option", [*arguments_of(name), "--no-such-option"]
        yield f"{name}: superfluous argument", [*arguments_of(name), "x", "y"]
        for parameter in command.params:
            if parameter.required:
                yield f"{name}: without {parameter.name}", [name]
            if isinstance(parameter.type, click.types.StringParamType):
                bytes_only = "a\udcff\udcfe12345678901"
                given = [parameter.opts[0], bytes_only]
                if isinstance(parameter, click.Argument):
                    given = [bytes_only]
                    words = [name]
                else:
                    words = arguments_of(name)
                yield f"{name}: bytes as {parameter.name}", [*words, *given]
            bad = BAD_VALUES.get(type(parameter.type))
            assert bad or isinstance(parameter.type, FREE), f"{name} {parameter.name}: no bad value"
            if bad and isinstance(parameter, click.Option):
                wrong = [parameter.opts[0], *bad]
                yield f"{name}: bad {parameter.name}", [*arguments_of(name), *wrong]
            elif bad:
                given = [word for word in arguments_of(name) if word != "-"]
                yield f"{name}: bad {parameter.name}", [*given, *bad]


@pytest.fixture
def base(settings: Settings, tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {
        "APP_ENV": "test",
        "BCRYPT_ROUNDS": "4",
        "DATABASE_URL": str(settings.database_url),
        "REDIS_URL": str(settings.redis_url),
        "DATA_DIR": str(tmp_path / "data"),
        "PORT": str(unused_port()),
    }


def problem_of(outcome: Outcome) -> str | None:
    """How the answer differs from one sentence of an operator's mistake."""
    if outcome.code not in (1, 2):
        return f"exit code {outcome.code}: {outcome.stdout}{outcome.stderr}"
    lines = outcome.stderr.splitlines()
    is_usage = outcome.code == 2 and lines[0].startswith(f"Usage: {COMMAND} ")
    if not lines[-1 if is_usage else 0].startswith("Error: "):
        return f"no sentence: {outcome.stderr}"
    if len([line for line in lines if not line.startswith("  ")]) > (4 if is_usage else 1):
        return f"more than a sentence: {outcome.stderr}"
    if outcome.stdout or outcome.files:
        return f"something done: {outcome.stdout} {outcome.files}"
    return None


WRONG_ARGUMENTS = dict(wrong_arguments())


@pytest.mark.parametrize("words", WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS)
def test_wrong_arguments_are_answered_in_one_sentence(words: list[str]) -> None:
    """They are refused before anything is done, so this is as good as a process of its own."""
    result = CliRunner().invoke(main, words)

    assert problem_of(Outcome(result.exit_code, result.stdout, result.stderr, ())) is None
    assert result.exit_code == 2


def test_a_wrong_environment_is_answered_in_one_sentence(
    base: dict[str, str],
    committing: Flask,
    database: servers.TestDatabase,
    tmp_path: Path,
    worker_number: int,
) -> None:
    committed = db.current().engine.url.render_as_string(hide_password=False)
    owned = make_url(database.owner_url).set(database=db.current().engine.url.database)
    owner = owned.render_as_string(hide_password=False)
    (tmp_path / "file").touch()
    file = tmp_path / "statement.csv"
    file.write_text(HEADER + LINE)
    (tmp_path / "empty.csv").write_text(HEADER)
    (tmp_path / "bank.csv").write_text(NET_BANKING)
    (tmp_path / "garbage.csv").write_bytes(b"\x00\xff\x01")
    valid = make_url(base["DATABASE_URL"])

    def url(**parts: Any) -> str:
        return valid.set(**parts).render_as_string(hide_password=False)

    away = f"127.0.0.1:{unused_port()}"
    stranger = make_url(base["REDIS_URL"].replace("redis:", "postgresql:")).set(password="wrong")
    wrong_redis = stranger.render_as_string(hide_password=False).replace("postgresql:", "redis:")
    wrong: dict[str, tuple[list[str], dict[str, str | None], str]] = {}
    for name in NEED_DATABASE:
        words = [str(file) if word == "-" else word for word in arguments_of(name)]
        wrong[f"{name}: invalid setting"] = words, {"PORT": "http"}, "PORT: Not a valid integer"
        if name == "up":
            continue
        wrong[f"{name}: no DATABASE_URL"] = words, {"DATABASE_URL": None}, "DATABASE_URL is not set"
        for what, parts, sentence in (
            ("no server", {"port": unused_port()}, "Connection refused"),
            ("wrong password", {"password": "wrong"}, "password authentication failed"),
            ("no such database", {"database": "nothing"}, "does not exist"),
        ):
            if name not in START_WITHOUT:
                wrong[f"{name}: {what}"] = words, {"DATABASE_URL": url(**parts)}, sentence
    listener = socket.create_server(("127.0.0.1", 0))
    with (
        listener,
        servers.database(f"payment_flow_bare_{worker_number}", empty=True) as bare,
    ):
        email = factories.actor().email
        used = str(listener.getsockname()[1])
        admin = ["create-admin", "ann@example.com", "--password", "correct horse battery"]
        reconcile = ["reconcile", "--provider", "HDFC", str(file)]
        wrong |= {
            "serve: used port": (["serve"], {"PORT": used}, "Address already in use"),
            "serve: foreign host": (["serve"], {"HOST": "192.0.2.1"}, "Cannot listen on 192.0.2.1"),
            "serve: no such host": (["serve"], {"HOST": "no.invalid"}, "Cannot listen on no.inv"),
            "serve: no REDIS_URL": (["serve"], {"REDIS_URL": None}, "REDIS_URL is not set"),
            "worker: no REDIS_URL": (["worker"], {"REDIS_URL": None}, "REDIS_URL is not set"),
            "worker: stranger": (["worker"], {"REDIS_URL": wrong_redis}, "Redis refuses the user"),
            "check-worker: no REDIS_URL": (
                ["check-worker"], {"REDIS_URL": None}, "REDIS_URL is not set",
            ),
            "check-worker: no Redis": (
                ["check-worker"], {"REDIS_URL": f"redis://{away}/0"}, "does not answer",
            ),
            "check-worker: no worker": (
                ["check-worker"], {},
                "Missing on this machine: default, outbound, scheduler, relay, mailer, webhooks.",
            ),
            "worker: not a Redis": (["worker"], {"REDIS_URL": "redis://a:b/0"}, "must look like"),
            "up: used port": (["up"], {"PORT": used}, f"Port {used} of 127.0.0.1 is in use"),
            "up: no folder": (["up"], {"DATA_DIR": str(tmp_path / "file")}, "set DATA_DIR"),
            "migrate: without rights": (
                ["migrate"],
                {"DATABASE_URL": bare.app_url},
                "The database refuses: permission denied for schema public",
            ),
            "migrate: no such role": (
                ["migrate"],
                {
                    "DATABASE_URL": url(username="nobody-here"),
                    "MIGRATION_DATABASE_URL": bare.owner_url,
                },
                "a role that exists, unlike nobody-here",
            ),
            "verify: no schema": (["verify"], {"DATABASE_URL": bare.app_url}, "no schema yet"),
            "demo: production": (["demo"], {"APP_ENV": "production"}, "production"),
            "demo: no folder": (["demo"], {"DATA_DIR": str(tmp_path / "file")}, "Cannot keep"),
            "verify: both": (
                ["verify", "--incremental", "--since", "2026-01-01"], {}, "exclude each other",
            ),
            "verify: future": (["verify", "--since", "2999-01-01"], {}, "must be in the past"),
            "create-admin: no address": (
                ["create-admin", "ann", "--password", "correct horse battery"], {}, "valid email",
            ),
            "create-admin: no address, no terminal": (["create-admin", "ann"], {}, "valid email"),
            "create-admin: hidden reversal": (
                ["create-admin", "a\u202en@example.com"], {}, r"a\u202en@example.com: Not a valid",
            ),
            "create-admin: more than one": (
                ["create-admin", "ann@example.com", "bob@example.com"], {}, "unexpected extra",
            ),
            "create-admin: database first": (
                ["create-admin", "ann@example.com"], {"DATABASE_URL": "nonsense"}, "DATABASE_URL",
            ),
            "create-admin: bad password": ([*admin[:-1], "password"], {}, "assword"),
            "create-admin: no terminal": (["create-admin", "ann@example.com"], {}, "no terminal"),
            "create-admin: taken": (
                ["create-admin", email, *admin[2:]],
                {"DATABASE_URL": committed, "MIGRATION_DATABASE_URL": owner},
                "already",
            ),
            "create-admin: without rights": (
                admin, {"DATABASE_URL": committed}, "only the owner of the tables creates",
            ),
            "reconcile: no such bank": (
                ["reconcile", "--provider", "X", str(file)], {}, "Unknown bank",
            ),
            "reconcile: garbage": (
                [*reconcile[:-1], str(tmp_path / "garbage.csv")], {}, "",
            ),
            "reconcile: folder": ([*reconcile[:-1], str(tmp_path)], {}, "directory"),
            "reconcile: empty": ([*reconcile[:-1], str(tmp_path / "empty.csv")], {}, "is empty"),
            "reconcile: period": (
                [*reconcile, "--from", "2026-02-01", "--to", "2026-01-01"], {}, "",
            ),
            "reconcile: currency": (
                [*reconcile[:-1], str(tmp_path / "bank.csv"), "--currency", "XYZ"],
                {},
                "--currency must be one of",
            ),
            "reconcile: column": ([*reconcile, "--column", "colour", "Farbe"], {}, "colour"),
        }  # fmt: skip
        cases = {
            name: {
                "arguments": words,
                "env": {key: value for key, value in (base | changed).items() if value is not None},
            }
            for name, (words, changed, _) in wrong.items()
        }

        outcomes = run_all(cases)

        problems = {name: problem_of(each) for name, each in outcomes.items()}
        assert {name: problem for name, problem in problems.items() if problem} == {}
        other = {
            name: outcomes[name].stderr
            for name, (_, _, sentence) in wrong.items()
            if sentence not in outcomes[name].stderr
        }
        assert other == {}
