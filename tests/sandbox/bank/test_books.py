"""The bank's books: every entry balances, persists, and appears on the statement."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.bank import Merchant, Payer, SandboxBank, reference_of
from tests.simulators import call


def balances(folder: Path) -> dict[tuple[str, str, str], int]:
    """Balances by bank, currency and owner, read from the database file."""
    with closing(sqlite3.connect(folder / "bank.sqlite3")) as connection:
        rows = connection.execute(
            """
            SELECT bank, currency, owner,
                (SELECT coalesce(sum(amount), 0) FROM entries WHERE to_account = accounts.id)
                - (SELECT coalesce(sum(amount), 0) FROM entries WHERE from_account = accounts.id)
            FROM accounts
            """
        ).fetchall()
    return {(bank, currency, owner): balance for bank, currency, owner, balance in rows}


class TestLedger:
    def test_all_accounts_always_sum_to_zero(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant, tmp_path: Path
    ) -> None:
        payer.decide(bank.payment_url("25.00"))
        payer.decide(bank.payment_url("30.00", userId="user-2"), "decline")
        payer.decide(bank.payment_url("999999.00"))
        payer.decide(bank.payment_url("12.345", currency="KWD", bank="AXIS"))
        bank.pay_out(amount="40.00")
        bank.pay_out(
            reference="payout-2",
            account={"holder": "Ada", "number": "55550000", "routing": "HDFC0001"},
        )
        merchant.wait_for(5)

        found = balances(tmp_path)

        for book in {(name, currency) for name, currency, _ in found}:
            assert sum(amount for key, amount in found.items() if key[:2] == book) == 0
        assert found["HDFC", "USD", "user-1"] == 100_000_00 - 25_00
        assert found["HDFC", "USD", "user-2"] == 100_000_00
        assert found["HDFC", "USD", "merchant"] == 10_000_000_00 + 25_00 - 40_00
        assert found["HDFC", "USD", "123456789"] == 40_00
        assert ("HDFC", "USD", "55550000") not in found
        assert found["AXIS", "KWD", "user-1"] == 100_000_000 - 12_345

    def test_state_persists_across_restarts(self, merchant: Merchant, tmp_path: Path) -> None:
        with SandboxBank.open(merchant.url, tmp_path) as bank:
            url = bank.payment_url("25.00")
            Payer().decide(url)
            before = bank.statement()

        with SandboxBank.open(merchant.url, tmp_path) as bank:
            assert bank.statement() == before
            shown = Payer().open(url.replace(url.split("/hdfc")[0], bank.url)).text

        assert "Payment made" in shown

    def test_a_payer_has_a_separate_account_at_each_bank(
        self, bank: SandboxBank, payer: Payer
    ) -> None:
        payer.decide(bank.payment_url("25.00"))

        assert "$100,000.00 available" in payer.open(bank.payment_url(bank="AXIS")).text


class TestStatement:
    def test_the_statement_lists_entries_in_order(self, bank: SandboxBank, payer: Payer) -> None:
        first, second = bank.payment_url("25.00"), bank.payment_url("5", currency="JPY")
        shown = [payer.decide(url).text for url in (first, second)]

        answer = call("GET", f"{bank.url}/hdfc/statement.csv")

        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        heading, *lines = answer.text.splitlines()
        assert heading == "date,reference,bankReference,direction,amount,currency,status"
        today = datetime.now(UTC).date().isoformat()
        for line, page, url, amount in zip(
            lines, shown, (first, second), ("25.00,USD", "5,JPY"), strict=True
        ):
            date, reference, bank_reference, rest = line.split(",", 3)
            assert (date, reference) == (today, reference_of(url))
            assert bank_reference in page
            assert rest == f"CREDIT,{amount},BOOKED"

    def test_the_first_and_last_day_are_inclusive(self, bank: SandboxBank, payer: Payer) -> None:
        payer.decide(bank.payment_url())
        today = datetime.now(UTC).date()
        yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)

        assert len(bank.statement(f"?from={today}&to={today}")) == 1
        assert len(bank.statement(f"?from={yesterday}")) == 1
        assert bank.statement(f"?from={tomorrow}") == []
        assert bank.statement(f"?to={yesterday}") == []

    @pytest.mark.parametrize("query", ["?from=yesterday", "?to=2026-13-01", "?to="])
    def test_an_invalid_date_is_refused(self, bank: SandboxBank, query: str) -> None:
        answer = call("GET", f"{bank.url}/hdfc/statement.csv{query}")

        assert answer.status == 400
        assert "2026-11-21" in answer.json["message"]


class TestOverview:
    def test_the_overview_shows_accounts_payments_payouts_and_webhooks(
        self, bank: SandboxBank, payer: Payer, merchant: Merchant
    ) -> None:
        empty = payer.open(f"{bank.url}/").text
        payer.decide(bank.payment_url("25.00"), mode="forged")
        bank.pay_out()
        merchant.wait_for(3)

        page = payer.open(f"{bank.url}/").text

        for text in ("HDFC Bank", "Axis Bank", "No payments yet.", "No webhooks yet."):
            assert text in empty
        for text in ("Ada Lovelace", "$99,975.00", "$9,999,985.00", "•••• 6789", "$40.00"):
            assert text in page
        for text in ("payment.succeeded", "payout.paid", "forged", "delivered", "refused"):
            assert text in page
        assert "123456789" not in page

    def test_health_and_unknown_paths_answer_in_json(self, bank: SandboxBank) -> None:
        assert call("GET", f"{bank.url}/health").json == {"status": "ok"}
        assert call("GET", f"{bank.url}/nothing/here").json["error"] == "NOT_FOUND"
        assert call("DELETE", f"{bank.url}/hdfc/pay").status == 405
        assert call("POST", f"{bank.url}/hdfc/pay", body=b"x" * 70_000).status in (400, 413)
