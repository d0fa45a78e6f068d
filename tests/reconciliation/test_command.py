"""The command `payment-flow reconcile`."""

import csv
import os
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import text

from app.cli import main
from app.common import db
from app.common.db import transaction
from app.common.settings import Settings
from app.reconciliation.comparison import Action
from app.reconciliation.run import reconcile
from tests import factories
from tests.command_runner import Outcome, run_all
from tests.concurrency import broken_invariants
from tests.onramp.helpers import created_onramp, get_onramp
from tests.payouts.helpers import balance_and_held
from tests.reconciliation.helpers import booked_line, credit_line, statement, today
from tests.reconciliation.test_bank_formats import AXIS, HDFC


def reconcile_file(file: Path, settings: Settings, *words: str) -> Outcome:
    """Run the command on the database of the test."""
    return run_all({0: case(file, settings, *words)})[0]


def case(file: Path, settings: Settings, *words: str) -> dict[str, Any]:
    """For `run_all`."""
    return {
        "arguments": ["reconcile", "--provider", "HDFC", str(file), *words],
        "env": os.environ
        | {
            "APP_ENV": "test",
            "DATABASE_URL": db.current().engine.url.render_as_string(hide_password=False),
            "REDIS_URL": str(settings.redis_url),
            "DATA_DIR": str(settings.data_dir),
            "COLUMNS": "120",
        },
    }


def test_the_command_prints_differences_and_closes_safe_ones(
    committing: Flask, settings: Settings, tmp_path: Path
) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    onramp = created_onramp(client, user)
    file, output = tmp_path / "statement.csv", tmp_path / "found.csv"
    file.write_bytes(statement(credit_line(onramp), booked_line("CREDIT", "[b]unknown-token[/b]")))

    printed = reconcile_file(file, settings, "--csv", str(output))

    assert printed.code == 1, printed.stderr
    assert f"HDFC: {today()} to {today()}, inclusive" in printed.stdout
    assert "status differs, can close" in printed.stdout
    assert "[b]unknown-token[/b]" in printed.stdout
    rows = list(csv.DictReader(output.read_text("utf-8-sig").splitlines()))
    assert [row["outcome"] for row in rows] == ["STATUS_DIFFERS", "MISSING_HERE"]
    assert get_onramp(client, user, onramp)["status"] == "PROCESSING"

    file.write_bytes(statement(credit_line(onramp)))
    closed = reconcile_file(file, settings, "--apply")

    assert closed.code == 0, closed.stderr
    assert "status differs, closed" in closed.stdout
    assert get_onramp(client, user, onramp)["status"] == "SUCCESS"
    assert balance_and_held(client, user) == ("125.00", "0.00")
    assert broken_invariants() == []


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("raw", "encoding", "words"), [(HDFC, "utf-8-sig", []), (AXIS, "utf-16", ["--apply"])]
)
def test_lines_that_are_not_ours_are_printed(
    settings: Settings, tmp_path: Path, raw: str, encoding: str, words: list[str]
) -> None:
    file = tmp_path / "statement.csv"
    file.write_bytes(raw.replace("612345678902", "").encode(encoding))

    printed = reconcile_file(file, settings, "--currency", "INR", *words)

    assert (printed.code, printed.stderr) == (1, "")
    table = [line for line in printed.stdout.splitlines() if "missing here" in line]
    assert "612345678901" in table[1]
    assert len(table) == 3  # with the summary


@pytest.mark.usefixtures("app")
def test_errors_are_printed_as_one_sentence(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "statement.csv"
    file.write_bytes(statement(booked_line("IN", "ref-1"), booked_line("IN", "ref-2")))
    must_be = "direction: must be CREDIT or DEBIT"
    expected = {
        "unknown bank": (["--provider", "SBI"], ["Unknown bank"]),
        "invalid lines": ([], [f"Invalid statement: line 2: {must_be}", f"line 3: {must_be}"]),
    }
    cases = {name: case(file, settings, *words) for name, (words, _) in expected.items()}

    for name, outcome in run_all(cases).items():
        assert outcome.code in (1, 2)
        assert [one for one in expected[name][1] if one not in outcome.stderr] == []
        assert "Traceback" not in outcome.stderr


def test_an_invalid_day_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "statement.csv"
    file.write_bytes(statement())
    words = ["reconcile", "--provider", "HDFC", str(file), "--from", "yesterday"]

    result = CliRunner().invoke(main, words)

    assert result.exit_code == 2
    assert "Invalid value for '--from'" in result.output


@pytest.mark.stress
def test_100_000_lines_take_seconds(committing: Flask) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    one = created_onramp(client, user)
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO onramps (id, user_id, provider, token, amount, currency, payer, status,
                    expires_at, created_at, updated_at)
                SELECT gen_random_uuid(), user_id, provider, lpad(n::text, 43, '0'), 100, currency,
                    payer, status, expires_at, created_at, updated_at
                FROM onramps, generate_series(1, 100000) n
            """)
        )
    raw = statement(
        *(booked_line("CREDIT", f"{n:043}", "1.00") for n in range(1, 100_001)),
        booked_line("CREDIT", one["token"]),
    )

    started = time.monotonic()
    found = reconcile(raw, provider="HDFC", currency="USD")
    took = time.monotonic() - started

    assert found.count_action(Action.CAN_CLOSE) == 100_001
    assert get_onramp(client, user, one)["status"] == "PROCESSING"
    assert took < 30
