"""The client of banks over real HTTP: a payout is concluded only from a valid response."""

import time
from typing import Any, ClassVar
from uuid import UUID

import pytest
from flask import Flask

from app.banks import client, providers
from app.banks.errors import BankUnavailable, InvalidBankResponse
from app.banks.providers import Provider
from app.banks.types import BankPayout, BankPayoutStatus, PayoutInstruction
from app.common import circuit, http, redis_client
from app.common.ids import new_id
from app.common.money import Money
from tests.fake_bank import FakeBank

pytestmark = pytest.mark.usefixtures("app")

MONEY = Money(2500, "USD")


def order(reference: UUID | None = None) -> PayoutInstruction:
    return PayoutInstruction(
        reference=reference or new_id(),
        money=MONEY,
        holder="Alice Jones",
        number="50100123453456",
        routing="HDFC0001234",
        description="Earnings of May",
    )


def hdfc() -> Provider:
    found = providers.get("HDFC")
    assert found is not None
    return found


def pay(reference: UUID | None = None) -> BankPayout:
    return client.create_payout(hdfc(), order(reference))


class TestValidResponses:
    def test_the_request_has_every_field_and_an_idempotency_key(self, bank: FakeBank) -> None:
        reference = new_id()
        answer = pay(reference)

        assert answer == BankPayout(BankPayoutStatus.ACCEPTED, f"BANK-{str(reference)[:8]}", None)
        assert bank.payouts[str(reference)]["order"] == {
            "reference": str(reference),
            "amount": "25.00",
            "currency": "USD",
            "account": {
                "holder": "Alice Jones",
                "number": "50100123453456",
                "routing": "HDFC0001234",
            },
            "description": "Earnings of May",
        }

    @pytest.mark.parametrize("status", list(BankPayoutStatus))
    def test_a_payout_may_end_immediately(self, bank: FakeBank, status: BankPayoutStatus) -> None:
        bank.status, bank.reason = status, "account unknown"
        answer = pay()
        assert (answer.status, answer.reason) == (status, "account unknown")

    def test_the_state_of_a_payout_can_be_retrieved_later(self, bank: FakeBank) -> None:
        reference = new_id()
        pay(reference)
        bank.set_status(str(reference), "PAID")
        answer = client.retrieve_payout(hdfc(), reference=reference, money=MONEY)
        assert answer.status is BankPayoutStatus.PAID
        assert bank.requests == ["POST /payouts", f"GET /payouts/{reference}"]

    @pytest.mark.parametrize("failure", [500, 502, 503, 504, "LOST", "SLOW"])
    def test_a_transient_failure_is_retried_immediately(self, bank: FakeBank, failure: Any) -> None:
        bank.failures.extend([failure] * 2)
        assert pay().status is BankPayoutStatus.ACCEPTED
        assert len(bank.requests) == 3
        assert len(bank.payouts) == 1


class TestUnavailability:
    @pytest.mark.parametrize("status", [408, 409, 425, 429, 501])
    def test_a_status_without_a_certain_outcome_is_unavailable(
        self, bank: FakeBank, status: int
    ) -> None:
        bank.failures.append(status)
        with pytest.raises(BankUnavailable, match=str(status)):
            pay()

    @pytest.mark.parametrize("failure", [503, "LOST", "SLOW"])
    def test_repeated_failures_are_unavailable(self, bank: FakeBank, failure: Any) -> None:
        bank.failures.extend([failure] * 3)
        with pytest.raises(BankUnavailable):
            pay()
        assert len(bank.requests) == 3

    def test_a_refusal_with_a_5xx_status_is_unavailable(self, bank: FakeBank) -> None:
        reference = new_id()
        refusal = {"reference": str(reference), "status": "REFUSED", "reason": "no"}
        bank.failures.append((501, refusal))
        with pytest.raises(BankUnavailable):
            pay(reference)

    def test_an_unreachable_bank_is_unavailable(self, bank: FakeBank) -> None:
        unreachable = Provider("HDFC", "HDFC Bank", "http://127.0.0.1:1", hdfc().keys)
        with pytest.raises(BankUnavailable):
            client.create_payout(unreachable, order())


class TestInvalidResponses:
    """The response has the reference of the payout unless a test changes it."""

    GOOD: ClassVar[dict[str, Any]] = {"status": "PAID", "bankReference": "B-1", "reason": None}

    def pay_with_response(self, bank: FakeBank, status: int, body: Any) -> BankPayout:
        reference = new_id()
        if isinstance(body, dict):
            body = {"reference": str(reference)} | body
        bank.failures.append((status, body))
        return pay(reference)

    def test_the_amount_is_optional_and_additional_fields_are_ignored(self, bank: FakeBank) -> None:
        answer = self.pay_with_response(bank, 200, self.GOOD | {"branch": "Pune"})
        assert answer == BankPayout(BankPayoutStatus.PAID, "B-1", None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"reference": "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"},
            {"reference": None},
            {"status": "BOOKED"},
            {"status": "paid"},
            {"status": None},
            {"status": ["PAID"]},
            {"bankReference": 17},
            {"bankReference": "x" * 101},
            {"bankReference": "a\x00b"},
            {"reason": "line\nbreak"},
            {"amount": "25.01"},
            {"amount": "25.001"},
            {"amount": 25.0},
            {"amount": "25.00", "currency": "EUR"},
        ],
        ids=str,
    )
    def test_an_invalid_field_invalidates_the_response(
        self, bank: FakeBank, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidBankResponse):
            self.pay_with_response(bank, 200, self.GOOD | changes)

    @pytest.mark.parametrize(
        "body", [b"", b"PAID", b"[]", b"null", b"<html>", b"\xff", b'{"status":"PAID"}', b"{" * 9]
    )
    def test_a_body_of_another_shape_is_invalid(self, bank: FakeBank, body: bytes) -> None:
        with pytest.raises(InvalidBankResponse):
            self.pay_with_response(bank, 200, body)

    def test_a_body_that_is_too_large_is_not_read_to_its_end(self, bank: FakeBank) -> None:
        with pytest.raises(InvalidBankResponse):
            self.pay_with_response(bank, 200, self.GOOD | {"more": "x" * 100_000})

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
    def test_a_4xx_without_a_refusal_is_invalid(self, bank: FakeBank, status: int) -> None:
        with pytest.raises(InvalidBankResponse, match=str(status)):
            self.pay_with_response(bank, status, {"error": "BAD_REQUEST"})
        with pytest.raises(InvalidBankResponse, match=str(status)):
            self.pay_with_response(bank, status, self.GOOD)

    @pytest.mark.parametrize("status", [200, 202, 400, 422])
    def test_a_refusal_is_valid_with_these_statuses(self, bank: FakeBank, status: int) -> None:
        answer = self.pay_with_response(
            bank, status, {"status": "REFUSED", "reason": "account closed"}
        )
        assert answer == BankPayout(BankPayoutStatus.REFUSED, None, "account closed")

    def test_redirects_are_not_followed(self, bank: FakeBank) -> None:
        with pytest.raises(InvalidBankResponse, match="302"):
            self.pay_with_response(bank, 302, b"")

    def test_a_payout_unknown_to_the_bank_is_invalid(self, bank: FakeBank) -> None:
        with pytest.raises(InvalidBankResponse, match="404"):
            client.retrieve_payout(hdfc(), reference=new_id(), money=MONEY)


class TestCircuit:
    @pytest.fixture(autouse=True)
    def short(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(circuit, "RESET_SECONDS", 2)

    def fail(self, bank: FakeBank, times: int) -> None:
        bank.failures.extend([501] * times)
        for _ in range(times):
            with pytest.raises(BankUnavailable):
                pay()

    def test_the_circuit_opens_after_failures_and_closes_later(self, bank: FakeBank) -> None:
        self.fail(bank, circuit.MAX_FAILURES)
        requests = len(bank.requests)
        with pytest.raises(BankUnavailable, match="circuit open"):
            pay()
        assert len(bank.requests) == requests

        time.sleep(2)
        assert pay().status is BankPayoutStatus.ACCEPTED
        assert pay().status is BankPayoutStatus.ACCEPTED

    def test_one_failure_of_a_half_open_circuit_opens_it_again(self, bank: FakeBank) -> None:
        self.fail(bank, circuit.MAX_FAILURES)
        time.sleep(2)
        self.fail(bank, 1)
        with pytest.raises(BankUnavailable, match="circuit open"):
            pay()

    def test_the_circuit_is_shared_by_all_processes(self, bank: FakeBank, app: Flask) -> None:
        self.fail(bank, circuit.MAX_FAILURES)
        # As another process does.
        circuit.configure(redis_client.connect(str(http.settings().redis_url)))
        with pytest.raises(BankUnavailable, match="circuit open"):
            pay()

    def test_each_bank_has_its_own_circuit(self, bank: FakeBank) -> None:
        self.fail(bank, circuit.MAX_FAILURES)
        axis = providers.get("AXIS")
        assert axis is not None
        assert client.create_payout(axis, order()).status is BankPayoutStatus.ACCEPTED

    def test_refusals_and_invalid_responses_are_not_failures(self, bank: FakeBank) -> None:
        for _ in range(circuit.MAX_FAILURES + 1):
            bank.failures.append(400)
            with pytest.raises(InvalidBankResponse):
                pay()
        assert pay().status is BankPayoutStatus.ACCEPTED

    def test_without_redis_the_bank_is_still_called(self, bank: FakeBank, app: Flask) -> None:
        circuit.configure(redis_client.connect("redis://127.0.0.1:1/0"))
        try:
            assert pay().status is BankPayoutStatus.ACCEPTED
        finally:
            circuit.configure(redis_client.connect(str(http.settings().redis_url)))


def test_the_number_is_not_in_the_representation() -> None:
    assert "3456" not in repr(order())
