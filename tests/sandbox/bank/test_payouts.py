"""Payouts: signed, made once, with the outcome that the account number selects."""

import time
from collections import Counter
from typing import Any

import pytest

from sandbox.bank.signing import signed_headers
from tests.bank import KEYS, Merchant, SandboxBank
from tests.concurrency import all_at_once
from tests.live import wait_until
from tests.simulators import call


def account(number: str) -> dict[str, str]:
    return {"holder": "Ada Lovelace", "number": number, "routing": "HDFC0001"}


class TestPaying:
    def test_a_payout_is_accepted_and_paid_a_moment_later(
        self, bank: SandboxBank, merchant: Merchant
    ) -> None:
        answer = bank.pay_out()

        assert answer.status == 202
        assert answer.json["status"] == "ACCEPTED"
        (webhook,) = merchant.wait_for(1)
        assert webhook.genuine
        assert webhook.body["type"] == "payout.paid"
        assert webhook.data == {
            "reference": "payout-1",
            "amount": "40.00",
            "currency": "USD",
            "userId": None,
            "bankReference": answer.json["bankReference"],
            "reason": None,
        }
        status = bank.payout()
        assert (status.status, status.json["status"]) == (200, "PAID")
        assert status.json["bankReference"] == answer.json["bankReference"]

    def test_a_payout_is_a_debit_on_the_statement(
        self, bank: SandboxBank, merchant: Merchant
    ) -> None:
        bank.pay_out()
        merchant.wait_for(1)

        ((_, reference, _, direction, amount, currency, status),) = bank.statement()
        assert (reference, direction) == ("payout-1", "DEBIT")
        assert (amount, currency, status) == ("40.00", "USD", "BOOKED")

    def test_the_mode_of_the_bank_applies_to_payouts(
        self, bank: SandboxBank, merchant: Merchant
    ) -> None:
        bank.set_mode("duplicate")
        bank.pay_out()
        merchant.wait_for(3)

        bank.set_mode("slow")
        started = time.monotonic()
        bank.pay_out(reference="payout-2")
        assert bank.payout("payout-2").json["status"] == "ACCEPTED"
        assert merchant.wait_for(4)[-1].at - started >= 0.8

    def test_a_payout_above_the_balance_is_refused(
        self, bank: SandboxBank, merchant: Merchant
    ) -> None:
        bank.pay_out(amount="10000000.01")

        (webhook,) = merchant.wait_for(1)
        assert webhook.body["type"] == "payout.refused"
        assert webhook.data["reason"] == "insufficient funds"
        assert bank.statement() == []


class TestOnce:
    def test_the_same_payout_again_is_the_same_payout(
        self, bank: SandboxBank, merchant: Merchant
    ) -> None:
        answers = all_at_once(lambda _: bank.pay_out(), range(8), threads=8)

        assert Counter(answer.status for answer in answers) == {202: 8}
        assert len({answer.json["bankReference"] for answer in answers}) == 1
        merchant.wait_for(1)
        assert bank.pay_out().json["status"] == "PAID"
        assert len(bank.statement()) == 1

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": "41.00"},
            {"currency": "EUR"},
            {"account": account("987654321")},
            {"key": "another-key"},
            {"reference": "payout-2", "key": "payout-1"},
        ],
        ids=str,
    )
    def test_a_key_or_reference_of_a_different_payout_is_refused(
        self, bank: SandboxBank, changes: dict[str, Any]
    ) -> None:
        bank.pay_out()

        answer = bank.pay_out(**changes)

        assert answer.status == 409
        assert answer.json["error"] == "CONFLICT"

    def test_each_bank_has_its_own_payouts(self, bank: SandboxBank) -> None:
        bank.pay_out()

        assert bank.payout(bank="AXIS").status == 404
        assert bank.pay_out(bank="AXIS", amount="41.00").status == 202


class TestAccountNumbers:
    def test_0000_is_closed(self, bank: SandboxBank, merchant: Merchant) -> None:
        assert bank.pay_out(account=account("55550000")).json["status"] == "ACCEPTED"

        (webhook,) = merchant.wait_for(1)
        assert webhook.body["type"] == "payout.refused"
        assert webhook.data["reason"] == "account closed"
        assert bank.payout().json["status"] == "REFUSED"
        assert bank.statement() == []

    def test_0001_is_refused_immediately(self, bank: SandboxBank, merchant: Merchant) -> None:
        answer = bank.pay_out(account=account("55550001"))

        assert answer.status == 422
        assert (answer.json["status"], answer.json["reason"]) == ("REFUSED", "account unknown")
        assert bank.payout().json["status"] == "REFUSED"
        assert merchant.wait_for(0) == []
        assert bank.statement() == []

    def test_0002_fails_twice_and_does_nothing_until_then(
        self, bank: SandboxBank, merchant: Merchant
    ) -> None:
        for _ in range(2):
            assert bank.pay_out(account=account("55550002")).status == 500
            assert bank.payout().status == 404

        assert bank.pay_out(account=account("55550002")).status == 202
        merchant.wait_for(1)

    def test_0003_is_paid_without_a_webhook(self, bank: SandboxBank, merchant: Merchant) -> None:
        assert bank.pay_out(account=account("55550003")).json["status"] == "ACCEPTED"

        wait_until(lambda: bank.payout().json["status"] == "PAID")
        assert merchant.wait_for(0) == []
        assert len(bank.statement()) == 1

    def test_0004_is_paid_once_although_the_response_is_lost(
        self, bank: SandboxBank, merchant: Merchant
    ) -> None:
        assert bank.pay_out(account=account("55550004")).status == 500
        assert bank.payout().status == 200

        assert bank.pay_out(account=account("55550004")).status == 202
        merchant.wait_for(1)
        assert len(bank.statement()) == 1

    def test_0004_is_paid_in_time_without_a_retry(
        self, bank: SandboxBank, merchant: Merchant
    ) -> None:
        assert bank.pay_out(account=account("55550004")).status == 500

        (webhook,) = merchant.wait_for(1)
        assert webhook.body["type"] == "payout.paid"


class TestRefusing:
    def test_a_request_not_signed_by_the_merchant_is_refused(self, bank: SandboxBank) -> None:
        by_another = signed_headers(b"x" * 32, message_id="msg_1", body="{}")
        for_another = signed_headers(KEYS["HDFC"], message_id="msg_1", body="{}")
        broken = {"webhook-signature": "v1"}
        for headers in (by_another, for_another, broken, {"webhook-timestamp": "soon"}):
            answer = bank.pay_out(headers=headers)
            assert (answer.status, answer.json["error"]) == (401, "UNAUTHORIZED")
        assert call("GET", f"{bank.url}/hdfc/payouts/payout-1").status == 401
        assert bank.payout().status == 404

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_an_expired_or_future_signature_is_refused(
        self, bank: SandboxBank, monkeypatch: pytest.MonkeyPatch, minutes: int
    ) -> None:
        signed_at = time.time() + 60 * minutes
        with monkeypatch.context() as patch:
            patch.setattr("sandbox.bank.signing.datetime", _Frozen(signed_at))
            headers = signed_headers(KEYS["HDFC"], message_id="msg_2", body="")

        answer = call("GET", f"{bank.url}/hdfc/payouts/payout-1", headers=headers)

        assert int(headers["webhook-timestamp"]) == int(signed_at)
        assert answer.status == 401

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": "0"},
            {"amount": "-1.00"},
            {"amount": 40},
            {"currency": "XXX"},
            {"account": None},
            {"account": account("12")},
            {"account": account("12 34")},
            {"reference": ""},
            {"colour": "red"},
        ],
        ids=str,
    )
    def test_an_invalid_body_is_refused(self, bank: SandboxBank, changes: dict[str, Any]) -> None:
        answer = bank.pay_out(key="a-key", **changes)

        assert (answer.status, answer.json["error"]) == (400, "VALIDATION_ERROR")

    def test_an_idempotency_key_is_required(self, bank: SandboxBank) -> None:
        answer = bank.pay_out(headers={"Idempotency-Key": ""})

        assert (answer.status, answer.json["error"]) == (400, "IDEMPOTENCY_KEY_MISSING")


class _Frozen:
    """Replaces `datetime`: always the same time."""

    def __init__(self, moment: float) -> None:
        self._moment = moment

    def now(self, zone: Any) -> Any:
        from datetime import datetime

        return datetime.fromtimestamp(self._moment, zone)
