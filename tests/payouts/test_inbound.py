"""How payouts end: one debit or one release, by a response or by an event of the bank."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.payouts import tasks
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.fake_bank import FakeBank
from tests.payouts.helpers import (
    balance_and_held,
    deliver_and_handle,
    deliver_event,
    events_of,
    get_payout,
    last_event_data,
    pending_payout,
    quarantine_reasons,
    status_of,
)
from tests.responses import refusal
from tests.wallets.helpers import lock

pytestmark = pytest.mark.usefixtures("bank")


class TestResponses:
    def test_an_accepted_payout_is_submitted_and_its_amount_stays_held(
        self, client: FlaskClient, user: Actor, payout_id: UUID
    ) -> None:
        tasks.advance(payout_id)

        payout = get_payout(client, user, payout_id)
        assert payout["status"] == "SUBMITTED"
        assert payout["bankReference"] == f"BANK-{str(payout_id)[:8]}"
        assert payout["submittedAt"] > payout["createdAt"]
        assert payout["settledAt"] is None
        assert balance_and_held(client, user) == ("100.00", "25.00")
        assert events_of(payout_id) == ["payout-submitted"]

    def test_a_payout_paid_immediately_is_debited(
        self, client: FlaskClient, user: Actor, payout_id: UUID, bank: FakeBank
    ) -> None:
        bank.status = "PAID"

        tasks.advance(payout_id)

        payout = get_payout(client, user, payout_id)
        assert (payout["status"], payout["reason"]) == ("PAID", None)
        assert payout["settledAt"] is not None
        assert balance_and_held(client, user) == ("75.00", "0.00")
        assert events_of(payout_id) == ["payout-paid"]
        data = last_event_data(payout_id)
        assert data.pop("latencyMs") >= 0
        assert data == {
            "userId": str(user.id),
            "provider": "HDFC",
            "amount": 2500,
            "currency": "USD",
            "bankReference": payout["bankReference"],
            "riskScore": "0.0000",
        }

    def test_the_debit_is_in_the_history_as_a_payout(
        self, client: FlaskClient, user: Actor, payout_id: UUID, bank: FakeBank
    ) -> None:
        bank.status = "PAID"
        tasks.advance(payout_id)

        history = client.get("/api/v1/wallet/transactions?type=PAYOUT", headers=user.headers).json
        (row,) = history["data"]
        assert (row["type"], row["amount"], row["balanceAfter"]) == ("PAYOUT", "25.00", "75.00")
        assert (row["referenceType"], row["referenceId"]) == ("payout", str(payout_id))
        assert row["description"] == "Payout to a bank account"

    def test_a_payout_refused_immediately_is_released(
        self, client: FlaskClient, user: Actor, payout_id: UUID, bank: FakeBank
    ) -> None:
        bank.status, bank.reason = "REFUSED", "account unknown"

        tasks.advance(payout_id)

        payout = get_payout(client, user, payout_id)
        assert (payout["status"], payout["reason"]) == ("REFUSED", "account unknown")
        assert balance_and_held(client, user) == ("100.00", "0.00")
        assert events_of(payout_id) == ["payout-refused"]
        assert last_event_data(payout_id)["reason"] == "account unknown"

    def test_a_refusal_without_a_reason_has_a_default_reason(
        self, client: FlaskClient, bank: FakeBank
    ) -> None:
        user = factories.buyer()
        payout_id = pending_payout(client, user)
        bank.status = "REFUSED"
        tasks.advance(payout_id)
        assert get_payout(client, user, payout_id)["reason"] == "refused by the bank"

    @pytest.mark.parametrize("outcome", ["PAID", "REFUSED"])
    def test_a_submitted_payout_ends_by_a_later_poll(
        self, client: FlaskClient, bank: FakeBank, outcome: str
    ) -> None:
        user = factories.buyer()
        payout_id = pending_payout(client, user)
        tasks.advance(payout_id)
        tasks.advance(payout_id)
        assert status_of(client, user, payout_id) == "SUBMITTED"

        bank.set_status(str(payout_id), outcome)
        tasks.advance(payout_id)

        assert status_of(client, user, payout_id) == outcome
        get = f"GET /payouts/{payout_id}"
        assert bank.requests == ["POST /payouts", get, get]

    def test_a_repeated_job_debits_once(
        self, client: FlaskClient, user: Actor, payout_id: UUID, bank: FakeBank
    ) -> None:
        bank.status = "PAID"
        for _ in range(3):
            tasks.advance(payout_id)
        assert balance_and_held(client, user) == ("75.00", "0.00")
        assert len(bank.requests) == 1

    @pytest.mark.parametrize(("status", "left"), [("PAID", "75.00"), ("REFUSED", "100.00")])
    def test_a_locked_wallet_is_debited_when_paid_and_released_when_refused(
        self,
        client: FlaskClient,
        user: Actor,
        payout_id: UUID,
        bank: FakeBank,
        status: str,
        left: str,
    ) -> None:
        lock(client, user)
        bank.status = status
        tasks.advance(payout_id)
        assert balance_and_held(client, user) == (left, "0.00")


class TestEvents:
    @pytest.mark.parametrize(("kind", "left"), [("paid", "75.00"), ("refused", "100.00")])
    def test_an_event_ends_a_payout(
        self, client: FlaskClient, user: Actor, payout_id: UUID, kind: str, left: str
    ) -> None:
        tasks.advance(payout_id)

        deliver_and_handle(client, kind, payout_id)

        assert status_of(client, user, payout_id) == kind.upper()
        assert balance_and_held(client, user) == (left, "0.00")
        assert events_of(payout_id) == ["payout-submitted", f"payout-{kind}"]

    def test_an_event_may_arrive_before_the_response_is_recorded(
        self, client: FlaskClient, user: Actor, payout_id: UUID
    ) -> None:
        deliver_and_handle(client, "paid", payout_id)
        tasks.advance(payout_id)  # the payout has already ended

        assert get_payout(client, user, payout_id)["bankReference"] == "BANK-17"
        assert status_of(client, user, payout_id) == "PAID"
        assert balance_and_held(client, user) == ("75.00", "0.00")
        assert events_of(payout_id) == ["payout-paid"]

    def test_a_response_that_arrives_after_the_event_has_no_effect(
        self,
        client: FlaskClient,
        user: Actor,
        payout_id: UUID,
        bank: FakeBank,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        answer = bank.response

        def respond_late(reference: str) -> dict[str, Any]:
            response = answer(reference)
            deliver_and_handle(client, "paid", payout_id)
            return response

        monkeypatch.setattr(bank, "response", respond_late)
        tasks.advance(payout_id)

        assert status_of(client, user, payout_id) == "PAID"
        assert events_of(payout_id) == ["payout-paid"]

    def test_a_repeated_event_has_no_effect(
        self, client: FlaskClient, user: Actor, payout_id: UUID
    ) -> None:
        for event_id in ("evt_1", "evt_1", "evt_2"):
            deliver_and_handle(client, "paid", payout_id, event_id=event_id)
        assert balance_and_held(client, user) == ("75.00", "0.00")
        assert quarantine_reasons() == []

    @pytest.mark.parametrize(
        "reference", ["01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11", "nonsense", "{upper}"]
    )
    def test_an_unknown_payout_is_refused(self, client: FlaskClient, reference: str) -> None:
        upper = str(pending_payout(client, factories.buyer())).upper()
        answer = deliver_event(client, "paid", reference.format(upper=upper))
        assert refusal(answer) == (404, "REFERENCE_UNKNOWN")

    def test_an_event_of_another_bank_is_refused(self, client: FlaskClient) -> None:
        payout_id = pending_payout(client, factories.buyer())
        assert refusal(deliver_event(client, "paid", payout_id, provider="AXIS")) == (
            404,
            "REFERENCE_UNKNOWN",
        )


class TestContradictions:
    @pytest.mark.parametrize(
        "facts",
        [{"amount": "250.00"}, {"amount": "25.00", "currency": "EUR"}, {"amount": None}],
        ids=str,
    )
    def test_another_amount_is_quarantined(
        self, client: FlaskClient, user: Actor, payout_id: UUID, facts: dict[str, Any]
    ) -> None:
        deliver_and_handle(client, "paid", payout_id, **facts)
        assert status_of(client, user, payout_id) == "PENDING"
        assert balance_and_held(client, user) == ("100.00", "25.00")
        assert quarantine_reasons() == ["AMOUNT_DIFFERS"]

    @pytest.mark.parametrize(("first", "then"), [("paid", "refused"), ("refused", "paid")])
    def test_a_contradiction_of_an_earlier_event_is_quarantined(
        self, client: FlaskClient, user: Actor, payout_id: UUID, first: str, then: str
    ) -> None:
        deliver_and_handle(client, first, payout_id)
        settled = get_payout(client, user, payout_id), balance_and_held(client, user)

        deliver_and_handle(client, then, payout_id)

        assert (get_payout(client, user, payout_id), balance_and_held(client, user)) == settled
        assert quarantine_reasons() == ["SETTLED_OTHERWISE"]

    def test_a_late_response_that_contradicts_an_event_is_flagged(
        self,
        client: FlaskClient,
        user: Actor,
        payout_id: UUID,
        bank: FakeBank,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        bank.status = "REFUSED"
        answer = bank.response

        def contradict(reference: str) -> dict[str, Any]:
            deliver_and_handle(client, "paid", payout_id)
            return answer(reference)

        monkeypatch.setattr(bank, "response", contradict)
        tasks.advance(payout_id)

        assert status_of(client, user, payout_id) == "PAID"
        assert events_of(payout_id) == ["payout-paid", "payout-flagged"]
        assert last_event_data(payout_id)["reason"] == "SETTLED_OTHERWISE"


def test_the_books_are_consistent_whatever_the_bank_reports(
    client: FlaskClient, bank: FakeBank
) -> None:
    for outcome in ("ACCEPTED", "PAID", "REFUSED"):
        bank.status = outcome
        tasks.advance(pending_payout(client, factories.buyer()))
    pending_payout(client, factories.buyer())
    assert broken_invariants() == []
