"""`payment-flow reconcile`, as an operator runs it."""

import csv
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.common.db import transaction
from app.reconciliation.comparison import Action
from app.reconciliation.run import reconcile
from tests import factories
from tests.live import LiveServer
from tests.onramp.asking import asked, show
from tests.reconciliation.asking import booked, statement, today

ONRAMP = "/api/v1/onramp"


class Desk:
    """Where an operator works: a running product, and files."""

    def __init__(self, server: LiveServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.token = server.sign_up("alice", balance="100.00")

    def onramp(self) -> dict[str, Any]:
        body = {"provider": "HDFC", "amount": "25.00"}
        answer = self.server.call("POST", ONRAMP, body, token=self.token)
        assert answer.status == 201, answer.text
        onramp: dict[str, Any] = answer.json
        return onramp

    def balance(self) -> str:
        wallet = self.server.call("GET", "/api/v1/wallet", token=self.token).json
        return str(wallet["balance"])

    def run(self, raw: bytes, *words: str) -> "subprocess.CompletedProcess[str]":
        file = self.folder / "statement.csv"
        file.write_bytes(raw)
        return self.server.cli("reconcile", "--provider", "HDFC", str(file), *words)


@pytest.fixture
def desk(live_server: LiveServer, tmp_path: Path) -> Desk:
    return Desk(live_server, tmp_path)


def test_it_tells_compares_and_closes(desk: Desk) -> None:
    first, output = desk.onramp(), desk.folder / "found.csv"
    raw = statement(booked("CREDIT", first["token"]), booked("CREDIT", "a-token-of-nobody"))

    told = desk.run(raw, "--csv", str(output))
    assert told.returncode == 1, told.stderr
    assert f"HDFC: {today()} to {today()}" in told.stdout
    assert "can close" in " ".join(told.stdout.split())
    assert desk.balance() == "100.00"
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert [row["outcome"] for row in rows] == ["STATUS_DIFFERS", "MISSING_HERE"]

    closed = desk.run(raw, "--apply")
    assert closed.returncode == 1  # nobody knows of the other one yet
    assert desk.balance() == "125.00"

    clean = desk.run(statement(booked("CREDIT", first["token"])))
    assert clean.returncode == 0, clean.stdout
    assert desk.balance() == "125.00"

    later = desk.run(statement(), "--from", str(today()), "--to", str(today()))
    assert later.returncode == 1
    assert "missing there" in later.stdout


def test_what_is_wrong_is_said_in_a_sentence(desk: Desk) -> None:
    bad = statement(booked("IN", "ref-1"), booked("IN", "ref-2"))
    for words, sentences in (
        (["--provider", "SBI"], ["There is no such bank"]),
        (["--from", "yesterday"], ["Invalid value for '--from'"]),
        (
            [],
            [
                "The statement cannot be used: line 2: direction: neither CREDIT nor DEBIT",
                "line 3: direction: neither CREDIT nor DEBIT",
            ],
        ),
    ):
        result = desk.run(bad, *words)
        assert result.returncode in (1, 2)
        assert [one for one in sentences if one not in result.stderr] == []
        assert "Traceback" not in result.stderr


@pytest.mark.storm
def test_100_000_lines_take_seconds(committing: Flask) -> None:
    client, user = committing.test_client(), factories.buyer("100.00")
    one = asked(client, user)
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
        *(booked("CREDIT", f"{n:043}", "1.00") for n in range(1, 100_001)),
        booked("CREDIT", one["token"]),
    )

    begun = time.monotonic()
    found = reconcile(raw, provider="HDFC")
    took = time.monotonic() - begun

    assert found.count_done(Action.CAN_CLOSE) == 100_001
    assert show(client, user, one)["status"] == "PROCESSING"
    assert took < 30
