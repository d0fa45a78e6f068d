"""The sandbox's bank misbehaves in every way it knows, and the real product keeps its books."""

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
from app.local.processes import free_port
from app.local.up import running_environment
from tests.bank import Payer
from tests.live import Api, wait_until
from tests.local.helpers import environment_of, first_line, folder, starting
from tests.simulators import call

pytestmark = pytest.mark.stress

#: For a busy machine; what is waited for takes a second.
PATIENCE = 60


@dataclass(frozen=True)
class Product(Api):
    """The product as `payment-flow up` started it. bank: the address of the sandbox's bank."""

    bank: str
    data_dir: Path
    engine: Engine

    def cli(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run the `payment-flow` command, which finds this instance by its folder."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *words],
            env=environment_of(self.data_dir),
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What the database says."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def inbox(self, reference: str) -> list[tuple[Any, ...]]:
        """Status and problem of each event of the bank, in the order in which they came."""
        query = "SELECT status, last_error FROM inbound_events WHERE reference = :reference"
        return self.rows(f"{query} ORDER BY received_at", reference=reference)

    def webhooks(self, reference: str) -> list[tuple[str, str]]:
        """What the bank notes of each webhook: what became of it, and the last answer."""
        query = "SELECT status, answer FROM webhooks WHERE reference = ? ORDER BY id"
        file = (self.data_dir / "bank.sqlite3").as_uri()
        with closing(sqlite3.connect(f"{file}?mode=ro", uri=True)) as connection:
            return connection.execute(query, (reference,)).fetchall()

    def told(self, reference: str) -> list[tuple[str, str]]:
        """The webhooks, once the bank has sent them all and what they say has taken effect."""
        wait_until(
            lambda: (
                "PENDING" not in {status for status, _ in self.webhooks(reference)}
                and "RECEIVED" not in {status for status, _ in self.inbox(reference)}
            ),
            seconds=PATIENCE,
        )
        return self.webhooks(reference)

    def ask(self, token: str, amount: str, *, bank: str = "HDFC") -> Any:
        """Ask a bank for money; the on-ramp."""
        body = {"provider": bank, "amount": amount}
        answer = self.call("POST", "/api/v1/onramp", body, token=token)
        assert answer.status == 201, answer.text
        return answer.json

    def onramp(self, token: str, onramp: Any) -> Any:
        return self.call("GET", f"/api/v1/onramp/{onramp['id']}", token=token).json

    def wallet(self, token: str) -> tuple[str, str]:
        """Balance and what of it is held."""
        answer = self.call("GET", "/api/v1/wallet", token=token).json
        return answer["balance"], answer["held"]

    def transactions(self, token: str) -> list[tuple[str, str]]:
        """Type and amount of each, the first first."""
        answer = self.call("GET", "/api/v1/wallet/transactions?limit=100", token=token)
        return [(one["type"], one["amount"]) for one in reversed(answer.json["data"])]

    def request_payout(self, token: str, amount: str, *, number: str) -> str:
        """Have the bank pay to an account; the id of the payout."""
        account = {"provider": "AXIS", "holder": "Ada", "number": number, "routing": "UTIB0000123"}
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
def product() -> Iterator[Product]:
    """One for all tests here. Afterwards its books are proven, whatever the tests found."""
    bank_port = free_port()
    ports = {"port": free_port(), "bank_port": bank_port, "gateway_port": free_port()}
    with folder() as data_dir, starting(data_dir, **ports) as up:
        address = first_line(up("--quiet", "--no-demo", BANK_SLOW_SECONDS="1"))
        engine = create_engine(running_environment(data_dir)["DATABASE_URL"])
        running = Product(address, f"http://127.0.0.1:{bank_port}", data_dir, engine)
        yield running
        engine.dispose()
        proof = running.cli("verify")
        assert proof.returncode == 0, proof.stdout + proof.stderr
        assert "invariants hold" in proof.stdout


@pytest.fixture
def ada(product: Product) -> str:
    """The token of somebody new, whose wallet is empty."""
    return product.sign_up(f"ada-{uuid4()}")


@pytest.fixture
def rich(product: Product) -> str:
    """The token of somebody new with 100.00."""
    return product.sign_up(f"rich-{uuid4()}", balance="100.00")


@pytest.mark.parametrize(
    ("mode", "amount", "sent"),
    [
        ("normal", "25.01", [("DELIVERED", "200")]),
        ("slow", "25.02", [("DELIVERED", "200")]),
        ("duplicate", "25.03", [("DELIVERED", "200")] * 3),
        ("forged", "25.04", [("REFUSED", "401"), ("DELIVERED", "200")]),
    ],
)
def test_a_payment_is_credited_once_with_its_own_amount(
    product: Product, ada: str, mode: str, amount: str, sent: list[tuple[str, str]]
) -> None:
    onramp = product.ask(ada, amount)

    assert "Payment made" in Payer().decide(onramp["paymentUrl"], mode=mode).text

    assert product.told(onramp["token"]) == sent
    assert product.inbox(onramp["token"]) == [("PROCESSED", None)]
    assert product.onramp(ada, onramp)["status"] == "SUCCESS"
    assert product.wallet(ada) == (amount, "0.00")
    assert product.transactions(ada) == [("ONRAMP", amount)]


def test_payments_of_which_the_bank_tells_in_another_order_are_all_credited(
    product: Product, ada: str
) -> None:
    payer = Payer()
    first, second = product.ask(ada, "25.05"), product.ask(ada, "30.00")
    # Both are opened first: what lies between the decisions must take less than the bank waits.
    pages = [(each["paymentUrl"], payer.open(each["paymentUrl"])) for each in (first, second)]

    for (url, page), mode in zip(pages, ("reordered", "normal"), strict=True):
        assert payer.send(url, page, mode=mode).status == 303

    assert product.told(second["token"]) == product.told(first["token"]) == [("DELIVERED", "200")]
    assert product.transactions(ada) == [("ONRAMP", "30.00"), ("ONRAMP", "25.05")]
    assert product.wallet(ada) == ("55.05", "0.00")


def test_a_payment_of_which_the_bank_names_another_amount_is_set_aside(
    product: Product, ada: str
) -> None:
    onramp = product.ask(ada, "25.00", bank="AXIS")

    Payer().decide(onramp["paymentUrl"], mode="wrong-amount")

    assert product.told(onramp["token"]) == [("DELIVERED", "200")]
    assert product.inbox(onramp["token"]) == [("QUARANTINED", "VALUES_DIFFER")]
    (told,) = product.rows(
        "SELECT data -> 'ours' ->> 'amount', data -> 'theirs' ->> 'amount' FROM outbox_events "
        "WHERE type = 'bank-event-quarantined' AND data -> 'ours' ->> 'onrampId' = :id",
        id=onramp["id"],
    )
    assert told == ("2500", "25000")
    assert product.onramp(ada, onramp)["status"] == "PROCESSING"
    assert product.wallet(ada) == ("0.00", "0.00")
    assert product.transactions(ada) == []


def test_a_payment_of_which_the_bank_says_nothing_is_found_in_its_statement_and_credited_once(
    product: Product, ada: str, tmp_path: Path
) -> None:
    onramp = product.ask(ada, "25.00")
    Payer().decide(onramp["paymentUrl"], mode="silent")
    assert product.told(onramp["token"]) == [("WITHHELD", "")]
    assert product.inbox(onramp["token"]) == []
    assert product.wallet(ada) == ("0.00", "0.00")
    statement, output = tmp_path / "statement.csv", tmp_path / "found.csv"
    statement.write_text(call("GET", f"{product.bank}/hdfc/statement.csv").text, newline="")

    def reconcile(*words: str) -> tuple[int, str, str]:
        """The exit code, and what is said of our payment."""
        file = ("--provider", "HDFC", str(statement), "--csv", str(output))
        code = product.cli("reconcile", *file, *words).returncode
        rows = csv.DictReader(output.read_text().splitlines())
        (row,) = [each for each in rows if each["reference"] == onramp["token"]]
        return code, row["outcome"], row["action"]

    assert reconcile() == (1, "STATUS_DIFFERS", "CAN_CLOSE")
    assert product.wallet(ada) == ("0.00", "0.00")

    assert reconcile("--apply") == (0, "STATUS_DIFFERS", "CLOSED")
    assert product.onramp(ada, onramp)["status"] == "SUCCESS"
    assert product.wallet(ada) == ("25.00", "0.00")

    assert reconcile("--apply") == (0, "MATCHED", "NONE")
    assert product.wallet(ada) == ("25.00", "0.00")
    assert product.transactions(ada) == [("ONRAMP", "25.00")]


@pytest.mark.parametrize("mode", ["normal", "duplicate", "forged"])
def test_a_payment_that_is_declined_credits_nothing(product: Product, ada: str, mode: str) -> None:
    onramp = product.ask(ada, "25.00")

    assert "Payment declined" in Payer().decide(onramp["paymentUrl"], "decline", mode=mode).text

    assert {status for status, _ in product.told(onramp["token"])} <= {"DELIVERED", "REFUSED"}
    assert product.inbox(onramp["token"]) == [("PROCESSED", None)]
    assert product.onramp(ada, onramp)["status"] == "FAILURE"
    assert product.wallet(ada) == ("0.00", "0.00")
    assert product.transactions(ada) == []


@pytest.mark.parametrize(
    ("number", "sent"),
    [
        pytest.param("60200987654321", [("DELIVERED", "200")], id="ordinary"),
        pytest.param("60200987650004", [("DELIVERED", "200")], id="answer-lost"),
    ],
)
def test_a_payout_is_taken_from_the_wallet_once(
    product: Product, rich: str, number: str, sent: list[tuple[str, str]]
) -> None:
    payout_id = product.request_payout(rich, "40.00", number=number)

    wait_until(lambda: product.has_ended(rich, payout_id), seconds=PATIENCE)

    assert product.told(payout_id) == sent
    assert product.payout(rich, payout_id)["status"] == "PAID"
    assert product.wallet(rich) == ("60.00", "0.00")
    assert product.transactions(rich) == [("DEPOSIT", "100.00"), ("PAYOUT", "40.00")]


@pytest.mark.parametrize(
    ("number", "reason", "sent"),
    [
        pytest.param("60200987650000", "account closed", [("DELIVERED", "200")], id="by-webhook"),
        pytest.param("60200987650001", "account unknown", [], id="at-once"),
    ],
)
def test_a_payout_that_the_bank_refuses_is_given_back(
    product: Product, rich: str, number: str, reason: str, sent: list[tuple[str, str]]
) -> None:
    payout_id = product.request_payout(rich, "40.00", number=number)

    wait_until(lambda: product.has_ended(rich, payout_id), seconds=PATIENCE)

    assert product.told(payout_id) == sent
    payout = product.payout(rich, payout_id)
    assert (payout["status"], payout["reason"]) == ("REFUSED", reason)
    assert product.wallet(rich) == ("100.00", "0.00")
    assert product.transactions(rich) == [("DEPOSIT", "100.00")]


@pytest.mark.stress  # The bank is asked again after 45 seconds, then after longer.
def test_payouts_of_which_the_bank_says_nothing_or_that_fail_at_first_are_seen_through(
    product: Product, rich: str
) -> None:
    untold = product.request_payout(rich, "40.00", number="60200987650003")
    stumbling = product.request_payout(rich, "10.00", number="60200987650002")

    wait_until(lambda: product.has_ended(rich, untold), seconds=240)
    wait_until(lambda: product.has_ended(rich, stumbling), seconds=360)

    assert product.told(untold) == [("WITHHELD", "")]
    assert product.told(stumbling) == [("DELIVERED", "200")]
    for payout_id in (untold, stumbling):
        assert product.payout(rich, payout_id)["status"] == "PAID"
    assert product.wallet(rich) == ("50.00", "0.00")
    assert sorted(product.transactions(rich)[1:]) == [("PAYOUT", "10.00"), ("PAYOUT", "40.00")]
