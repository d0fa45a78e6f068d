"""What a bank's word does: the money leaves once or comes back once, whoever tells it."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.payouts import tasks
from tests import factories
from tests.answers import refusal
from tests.crowd import broken
from tests.fake_bank import FakeBank
from tests.payouts.helpers import (
    events_of,
    hear,
    last_event,
    money,
    pending,
    quarantined,
    show,
    status,
    tell,
)
from tests.wallets.helpers import lock

pytestmark = pytest.mark.usefixtures("bank")


class TestTheBankAnswers:
    def test_accepted_it_is_submitted_and_stays_held(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)

        tasks.advance(payout_id)

        payout = show(client, user, payout_id)
        assert payout["status"] == "SUBMITTED"
        assert payout["bankReference"] == f"BANK-{str(payout_id)[:8]}"
        assert payout["submittedAt"] > payout["createdAt"]
        assert payout["settledAt"] is None
        assert money(client, user) == ("100.00", "25.00")
        assert events_of(payout_id) == ["payout-submitted"]

    def test_paid_at_once_the_money_has_left(self, client: FlaskClient, bank: FakeBank) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        bank.verdict = "PAID"

        tasks.advance(payout_id)

        payout = show(client, user, payout_id)
        assert (payout["status"], payout["reason"]) == ("PAID", None)
        assert payout["settledAt"] is not None
        assert money(client, user) == ("75.00", "0.00")
        assert events_of(payout_id) == ["payout-paid"]
        assert last_event(payout_id) == {
            "userId": str(user.id),
            "provider": "HDFC",
            "amount": 2500,
            "currency": "USD",
            "bankReference": payout["bankReference"],
        }

    def test_it_is_in_the_history_as_a_payout(self, client: FlaskClient, bank: FakeBank) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        bank.verdict = "PAID"
        tasks.advance(payout_id)

        history = client.get("/api/v1/wallet/transactions?type=PAYOUT", headers=user.headers).json
        (row,) = history["data"]
        assert (row["type"], row["amount"], row["balanceAfter"]) == ("PAYOUT", "25.00", "75.00")
        assert (row["referenceType"], row["referenceId"]) == ("payout", str(payout_id))
        assert row["description"] == "Payout to a bank account"

    def test_refused_at_once_the_money_is_back(self, client: FlaskClient, bank: FakeBank) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        bank.verdict, bank.reason = "REFUSED", "account unknown"

        tasks.advance(payout_id)

        payout = show(client, user, payout_id)
        assert (payout["status"], payout["reason"]) == ("REFUSED", "account unknown")
        assert money(client, user) == ("100.00", "0.00")
        assert events_of(payout_id) == ["payout-refused"]
        assert last_event(payout_id)["reason"] == "account unknown"

    def test_a_refusal_without_a_reason_says_so_much(
        self, client: FlaskClient, bank: FakeBank
    ) -> None:
        user = factories.buyer()
        payout_id = pending(client, user)
        bank.verdict = "REFUSED"
        tasks.advance(payout_id)
        assert show(client, user, payout_id)["reason"] == "refused by the bank"

    @pytest.mark.parametrize("verdict", ["PAID", "REFUSED"])
    def test_it_ends_when_the_bank_is_asked_later(
        self, client: FlaskClient, bank: FakeBank, verdict: str
    ) -> None:
        user = factories.buyer()
        payout_id = pending(client, user)
        tasks.advance(payout_id)
        tasks.advance(payout_id)
        assert status(client, user, payout_id) == "SUBMITTED"

        bank.decide(str(payout_id), verdict)
        tasks.advance(payout_id)

        assert status(client, user, payout_id) == verdict
        get = f"GET /payouts/{payout_id}"
        assert bank.asked == ["POST /payouts", get, get]

    def test_the_same_job_again_and_again_moves_it_once(
        self, client: FlaskClient, bank: FakeBank
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        bank.verdict = "PAID"
        for _ in range(3):
            tasks.advance(payout_id)
        assert money(client, user) == ("75.00", "0.00")
        assert len(bank.asked) == 1

    def test_money_that_has_left_is_taken_from_a_locked_wallet(
        self, client: FlaskClient, bank: FakeBank
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        lock(client, user)
        bank.verdict = "PAID"
        tasks.advance(payout_id)
        assert money(client, user) == ("75.00", "0.00")

    def test_money_comes_back_to_a_locked_wallet(self, client: FlaskClient, bank: FakeBank) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        lock(client, user)
        bank.verdict = "REFUSED"
        tasks.advance(payout_id)
        assert money(client, user) == ("100.00", "0.00")


class TestTheBankTells:
    @pytest.mark.parametrize(("kind", "left"), [("paid", "75.00"), ("refused", "100.00")])
    def test_a_webhook_ends_it(self, client: FlaskClient, kind: str, left: str) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        tasks.advance(payout_id)

        hear(client, kind, payout_id)

        assert status(client, user, payout_id) == kind.upper()
        assert money(client, user) == (left, "0.00")
        assert events_of(payout_id) == ["payout-submitted", f"payout-{kind}"]

    def test_it_may_come_before_the_answer_is_noted(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)

        hear(client, "paid", payout_id)
        tasks.advance(payout_id)  # too late: the answer is no news

        assert show(client, user, payout_id)["bankReference"] == "BANK-17"
        assert status(client, user, payout_id) == "PAID"
        assert money(client, user) == ("75.00", "0.00")
        assert events_of(payout_id) == ["payout-paid"]

    def test_an_answer_that_arrives_after_the_webhook_changes_nothing(
        self, client: FlaskClient, bank: FakeBank, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        answer = bank.answer

        def slow_to_answer(reference: str) -> dict[str, Any]:
            before = answer(reference)
            hear(client, "paid", payout_id)
            return before

        monkeypatch.setattr(bank, "answer", slow_to_answer)
        tasks.advance(payout_id)

        assert status(client, user, payout_id) == "PAID"
        assert events_of(payout_id) == ["payout-paid"]

    def test_a_webhook_that_is_repeated_changes_nothing(self, client: FlaskClient) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        for event_id in ("evt_1", "evt_1", "evt_2"):
            hear(client, "paid", payout_id, event_id=event_id)
        assert money(client, user) == ("75.00", "0.00")
        assert quarantined() == []

    @pytest.mark.parametrize(
        "reference", ["01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11", "nonsense", "{upper}"]
    )
    def test_a_payout_that_is_not_ours(self, client: FlaskClient, reference: str) -> None:
        upper = str(pending(client, factories.buyer())).upper()
        answer = tell(client, "paid", reference.format(upper=upper))
        assert refusal(answer) == (404, "REFERENCE_UNKNOWN")

    def test_another_bank_knows_nothing_of_it(self, client: FlaskClient) -> None:
        payout_id = pending(client, factories.buyer())
        assert refusal(tell(client, "paid", payout_id, provider="AXIS")) == (
            404,
            "REFERENCE_UNKNOWN",
        )


class TestContradictions:
    @pytest.mark.parametrize(
        "facts",
        [{"amount": "250.00"}, {"amount": "25.00", "currency": "EUR"}, {"amount": None}],
        ids=str,
    )
    def test_another_amount_is_set_aside(self, client: FlaskClient, facts: dict[str, Any]) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        hear(client, "paid", payout_id, **facts)
        assert status(client, user, payout_id) == "PENDING"
        assert money(client, user) == ("100.00", "25.00")
        assert quarantined() == ["AMOUNT_DIFFERS"]

    @pytest.mark.parametrize(("first", "then"), [("paid", "refused"), ("refused", "paid")])
    def test_the_contrary_of_what_was_said_before_is_set_aside(
        self, client: FlaskClient, first: str, then: str
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        hear(client, first, payout_id)
        settled = show(client, user, payout_id), money(client, user)

        hear(client, then, payout_id)

        assert (show(client, user, payout_id), money(client, user)) == settled
        assert quarantined() == ["SETTLED_OTHERWISE"]

    def test_a_late_answer_that_contradicts_a_webhook_is_flagged(
        self, client: FlaskClient, bank: FakeBank, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = factories.buyer("100.00")
        payout_id = pending(client, user)
        bank.verdict = "REFUSED"
        answer = bank.answer

        def contrary(reference: str) -> dict[str, Any]:
            hear(client, "paid", payout_id)
            return answer(reference)

        monkeypatch.setattr(bank, "answer", contrary)
        tasks.advance(payout_id)

        assert status(client, user, payout_id) == "PAID"
        assert events_of(payout_id) == ["payout-paid", "payout-flagged"]
        assert last_event(payout_id)["reason"] == "SETTLED_OTHERWISE"


def test_the_books_are_right_whatever_the_bank_says(client: FlaskClient, bank: FakeBank) -> None:
    for verdict in ("ACCEPTED", "PAID", "REFUSED"):
        bank.verdict = verdict
        tasks.advance(pending(client, factories.buyer()))
    pending(client, factories.buyer())
    assert broken() == []
