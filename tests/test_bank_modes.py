"""Every failure mode of the bank simulator, against the real application."""

import csv
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text

from app.common.settings import PROJECT_ROOT
from app.local.running import running_environment
from tests.bank import Payer
from tests.live import PASSWORD, Api, wait_until
from tests.local.helpers import environment_of, first_line, folder, starting
from tests.ports import unused_port
from tests.simulators import call

pytestmark = pytest.mark.stress

#: Seconds to wait for, on a busy machine, what usually takes one.
TIMEOUT = 60


@dataclass(frozen=True)
class Application(Api):
    """The application started by `payment-flow up`. bank: the URL of the bank simulator."""

    bank: str
    data_dir: Path
    engine: Engine

    def cli(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the `payment-flow` command on this instance, which it finds by its folder."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            env=environment_of(self.data_dir),
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def inbox(self, reference: str) -> list[tuple[Any, ...]]:
        """Status and problem of each event of the bank, in the order of arrival."""
        query = "SELECT status, last_error FROM inbound_events WHERE reference = :reference"
        return self.rows(f"{query} ORDER BY received_at", reference=reference)

    def webhooks(self, reference: str) -> list[tuple[str, str]]:
        """The status of each webhook at the bank, and the last response to it."""
        query = "SELECT status, answer FROM webhooks WHERE reference = ? ORDER BY id"
        file = (self.data_dir / "bank.sqlite3").as_uri()
        with closing(sqlite3.connect(f"{file}?mode=ro", uri=True)) as connection:
            return connection.execute(query, (reference,)).fetchall()

    def completed_webhooks(self, reference: str) -> list[tuple[str, str]]:
        """The webhooks, once the bank has sent and we have handled all of them."""
        wait_until(
            lambda: (
                "PENDING" not in {status for status, _ in self.webhooks(reference)}
                and "RECEIVED" not in {status for status, _ in self.inbox(reference)}
            ),
            seconds=TIMEOUT,
        )
        return self.webhooks(reference)

    def create_onramp(self, token: str, amount: str, *, bank: str = "HDFC") -> Any:
        """Create an on-ramp."""
        body = {"provider": bank, "amount": amount}
        answer = self.call("POST", "/api/v1/onramp", body, token=token)
        assert answer.status == 201, answer.text
        return answer.json

    def onramp(self, token: str, onramp: Any) -> Any:
        return self.call("GET", f"/api/v1/onramp/{onramp['id']}", token=token).json

    def wallet(self, token: str) -> tuple[str, str]:
        """The balance and the held amount."""
        answer = self.call("GET", "/api/v1/wallet", token=token).json
        return answer["balance"], answer["held"]

    def transactions(self, token: str) -> list[tuple[str, str]]:
        """Type and amount of each transaction, oldest first."""
        answer = self.call("GET", "/api/v1/wallet/transactions?limit=100", token=token)
        return [(one["type"], one["amount"]) for one in reversed(answer.json["data"])]

    def request_payout(self, token: str, amount: str, *, number: str) -> str:
        """Create a payout to a new bank account. Returns its id."""
        account = {
            "provider": "AXIS",
            "holder": "Ada",
            "number": number,
            "routing": "UTIB0000123",
            "password": PASSWORD,
        }
        saved = self.call("POST", "/api/v1/wallet/bank-accounts", account, token=token)
        body = {"bankAccountId": saved.json["id"], "amount": amount}
        answer = self.call("POST", "/api/v1/wallet/payouts", body, token=token)
        assert (answer.status, answer.json["status"]) == (201, "PENDING"), answer.text
        return str(answer.json["id"])

    def payout(self, token: str, payout_id: str) -> Any:
        return self.call("GET", f"/api/v1/wallet/payouts/{payout_id}", token=token).json

    def has_ended(self, token: str, payout_id: str) -> bool:
        return self.payout(token, payout_id)["status"] not in ("PENDING", "SUBMITTED")


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    """One for all tests of this module. Its books are verified afterwards."""
    bank_port = unused_port()
    ports = {"port": unused_port(), "bank_port": bank_port, "gateway_port": unused_port()}
    with folder() as data_dir, starting(data_dir, **ports) as up:
        address = first_line(up("--quiet", "--no-demo", BANK_SLOW_SECONDS="1"))
        engine = create_engine(running_environment(data_dir)["DATABASE_URL"])
        running = Application(address, f"http://127.0.0.1:{bank_port}", data_dir, engine)
        yield running
        engine.dispose()
        verified = running.cli("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert "invariants hold" in verified.stdout


@pytest.fixture
def ada(application: Application) -> str:
    """The token of a new user with an empty wallet."""
    return application.sign_up(f"ada-{uuid4()}")


@pytest.fixture
def rich(application: Application) -> str:
    """The token of a new user with a balance of 100.00."""
    return application.sign_up(f"rich-{uuid4()}", balance="100.00")


@pytest.mark.parametrize(
    ("mode", "amount", "sent"),
    [
        ("normal", "25.01", [("DELIVERED", "200")]),
        ("slow", "25.02", [("DELIVERED", "200")]),
        ("duplicate", "25.03", [("DELIVERED", "200")] * 3),
        ("forged", "25.04", [("REFUSED", "401"), ("DELIVERED", "200")]),
    ],
)
def test_a_payment_is_credited_once_with_its_amount(
    application: Application, ada: str, mode: str, amount: str, sent: list[tuple[str, str]]
) -> None:
    onramp = application.create_onramp(ada, amount)

    assert "Payment made" in Payer().decide(onramp["paymentUrl"], mode=mode).text

    assert application.completed_webhooks(onramp["token"]) == sent
    assert application.inbox(onramp["token"]) == [("PROCESSED", None)]
    assert application.onramp(ada, onramp)["status"] == "SUCCESS"
    assert application.wallet(ada) == (amount, "0.00")
    assert application.transactions(ada) == [("ONRAMP", amount)]


def test_payments_reported_in_another_order_are_all_credited(
    application: Application, ada: str
) -> None:
    payer = Payer()
    first, second = application.create_onramp(ada, "25.05"), application.create_onramp(ada, "30.00")
    # Both pages are opened first, so that the time between the payments is below the bank's delay.
    pages = [(each["paymentUrl"], payer.open(each["paymentUrl"])) for each in (first, second)]

    for (url, page), mode in zip(pages, ("reordered", "normal"), strict=True):
        assert payer.send(url, page, mode=mode).status == 303

    assert (
        application.completed_webhooks(second["token"])
        == application.completed_webhooks(first["token"])
        == [("DELIVERED", "200")]
    )
    assert application.transactions(ada) == [("ONRAMP", "30.00"), ("ONRAMP", "25.05")]
    assert application.wallet(ada) == ("55.05", "0.00")


def test_a_payment_reported_with_another_amount_is_quarantined(
    application: Application, ada: str
) -> None:
    onramp = application.create_onramp(ada, "25.00", bank="AXIS")

    Payer().decide(onramp["paymentUrl"], mode="wrong-amount")

    assert application.completed_webhooks(onramp["token"]) == [("DELIVERED", "200")]
    assert application.inbox(onramp["token"]) == [("QUARANTINED", "VALUES_DIFFER")]
    (recorded,) = application.rows(
        "SELECT data -> 'ours' ->> 'amount', data -> 'theirs' ->> 'amount' FROM outbox_events "
        "WHERE type = 'bank-event-quarantined' AND data -> 'ours' ->> 'onrampId' = :id",
        id=onramp["id"],
    )
    assert recorded == ("2500", "25000")
    assert application.onramp(ada, onramp)["status"] == "PROCESSING"
    assert application.wallet(ada) == ("0.00", "0.00")
    assert application.transactions(ada) == []


def test_an_unreported_payment_is_reconciled_from_the_statement_and_credited_once(
    application: Application, ada: str, tmp_path: Path
) -> None:
    onramp = application.create_onramp(ada, "25.00")
    Payer().decide(onramp["paymentUrl"], mode="silent")
    assert application.completed_webhooks(onramp["token"]) == [("WITHHELD", "")]
    assert application.inbox(onramp["token"]) == []
    assert application.wallet(ada) == ("0.00", "0.00")
    statement, output = tmp_path / "statement.csv", tmp_path / "found.csv"
    statement.write_text(call("GET", f"{application.bank}/hdfc/statement.csv").text, newline="")

    def reconcile(*options: str) -> tuple[int, str, str]:
        """The exit code, and the outcome and action of our payment."""
        file = ("--provider", "HDFC", str(statement), "--csv", str(output))
        code = application.cli("reconcile", *file, *options).returncode
        rows = csv.DictReader(output.read_text("utf-8-sig").splitlines())
        (row,) = [each for each in rows if each["reference"] == onramp["token"]]
        return code, row["outcome"], row["action"]

    assert reconcile() == (1, "STATUS_DIFFERS", "CAN_CLOSE")
    assert application.wallet(ada) == ("0.00", "0.00")

    assert reconcile("--apply") == (0, "STATUS_DIFFERS", "CLOSED")
    assert application.onramp(ada, onramp)["status"] == "SUCCESS"
    assert application.wallet(ada) == ("25.00", "0.00")

    assert reconcile("--apply") == (0, "MATCHED", "NONE")
    assert application.wallet(ada) == ("25.00", "0.00")
    assert application.transactions(ada) == [("ONRAMP", "25.00")]


@pytest.mark.parametrize("mode", ["normal", "duplicate", "forged"])
def test_a_declined_payment_is_not_credited(application: Application, ada: str, mode: str) -> None:
    onramp = application.create_onramp(ada, "25.00")

    assert "Payment declined" in Payer().decide(onramp["paymentUrl"], "decline", mode=mode).text

    assert {status for status, _ in application.completed_webhooks(onramp["token"])} <= {
        "DELIVERED",
        "REFUSED",
    }
    assert application.inbox(onramp["token"]) == [("PROCESSED", None)]
    assert application.onramp(ada, onramp)["status"] == "FAILURE"
    assert application.wallet(ada) == ("0.00", "0.00")
    assert application.transactions(ada) == []


@pytest.mark.parametrize(
    ("number", "sent"),
    [
        pytest.param("60200987654321", [("DELIVERED", "200")], id="ordinary"),
        pytest.param("60200987650004", [("DELIVERED", "200")], id="answer-lost"),
    ],
)
def test_a_payout_debits_the_wallet_once(
    application: Application, rich: str, number: str, sent: list[tuple[str, str]]
) -> None:
    payout_id = application.request_payout(rich, "40.00", number=number)

    wait_until(lambda: application.has_ended(rich, payout_id), seconds=TIMEOUT)

    assert application.completed_webhooks(payout_id) == sent
    assert application.payout(rich, payout_id)["status"] == "PAID"
    assert application.wallet(rich) == ("60.00", "0.00")
    assert application.transactions(rich) == [("DEPOSIT", "100.00"), ("PAYOUT", "40.00")]


@pytest.mark.parametrize(
    ("number", "reason", "sent"),
    [
        pytest.param("60200987650000", "account closed", [("DELIVERED", "200")], id="by-webhook"),
        pytest.param("60200987650001", "account unknown", [], id="at-once"),
    ],
)
def test_a_refused_payout_is_returned_to_the_wallet(
    application: Application, rich: str, number: str, reason: str, sent: list[tuple[str, str]]
) -> None:
    payout_id = application.request_payout(rich, "40.00", number=number)

    wait_until(lambda: application.has_ended(rich, payout_id), seconds=TIMEOUT)

    assert application.completed_webhooks(payout_id) == sent
    payout = application.payout(rich, payout_id)
    assert (payout["status"], payout["reason"]) == ("REFUSED", reason)
    assert application.wallet(rich) == ("100.00", "0.00")
    assert application.transactions(rich) == [("DEPOSIT", "100.00")]


@pytest.mark.stress  # Polling begins after 45 seconds and becomes less frequent.
def test_unreported_payouts_and_those_that_fail_at_first_are_completed(
    application: Application, rich: str
) -> None:
    unreported = application.request_payout(rich, "40.00", number="60200987650003")
    failing_first = application.request_payout(rich, "10.00", number="60200987650002")

    wait_until(lambda: application.has_ended(rich, unreported), seconds=240)
    wait_until(lambda: application.has_ended(rich, failing_first), seconds=360)

    assert application.completed_webhooks(unreported) == [("WITHHELD", "")]
    assert application.completed_webhooks(failing_first) == [("DELIVERED", "200")]
    for payout_id in (unreported, failing_first):
        assert application.payout(rich, payout_id)["status"] == "PAID"
    assert application.wallet(rich) == ("50.00", "0.00")
    assert sorted(application.transactions(rich)[1:]) == [("PAYOUT", "10.00"), ("PAYOUT", "40.00")]
