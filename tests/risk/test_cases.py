"""A payment under review: its money is on hold, and one administrator decides, once."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.audit.models import AuditRecord
from app.common import clock
from app.common.db import transaction
from app.payouts import tasks as payouts
from app.risk.cases import service, tasks
from app.risk.evaluation import Parameters
from app.risk.rulesets import parameters
from tests import factories
from tests.concurrency import all_at_once, broken_invariants, outcomes
from tests.factories import Actor
from tests.insights.helpers import latest, relay
from tests.orders.helpers import buy, units
from tests.payouts.helpers import bank_account_of, create_payout
from tests.risk.helpers import CASES, decide_case, decisions, open_cases
from tests.transfers.helpers import deactivate, events_of, send
from tests.wallets import outflows
from tests.wallets.helpers import lock, wallet_of

REVIEWS = "/api/v1/wallet/reviews"
LARGE = "6000.00"


@pytest.fixture(autouse=True)
def _no_second_factor(change_settings: Callable[..., None]) -> None:
    change_settings(two_factor_above=Decimal(10**9))


def review_of(client: FlaskClient, user: Actor, case_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{REVIEWS}/{case_id}", headers=user.headers).json
    return found


def order_of(client: FlaskClient, user: Actor, order_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/orders/{order_id}", headers=user.headers).json
    return found


class TestPurchase:
    def test_it_is_released_and_the_buyer_gets_the_goods(self, committing: Flask) -> None:
        client, admin = committing.test_client(), factories.admin()
        buyer, seller = factories.buyer("10000.00"), factories.merchant()
        product_id = factories.product(seller, price=LARGE, units=5)

        order = buy(client, buyer, product_id).json

        assert (order["status"], order["completedAt"]) == ("PENDING_REVIEW", None)
        assert units(client, product_id) == 4
        wallet = wallet_of(client, buyer)
        assert (wallet["balance"], wallet["available"]) == ("10000.00", "4000.00")
        answer = client.get(f"/api/v1/orders/{order['id']}/delivery", headers=buyer.headers)
        assert answer.status_code == 409
        (case,) = open_cases(client, admin)
        assert (case["kind"], case["amount"], case["referenceId"]) == (
            "PURCHASE",
            LARGE,
            order["id"],
        )
        assert "large-amount" not in buy(client, buyer, product_id).text
        assert review_of(client, buyer, case["id"])["status"] == "PENDING_REVIEW"
        assert broken_invariants() == []

        answer = decide_case(client, admin, case["id"], "release")

        assert answer.status_code == 200, answer.json
        assert answer.json["reasons"]["rules"] == ["large-amount@1", "new-account@1"]
        assert order_of(client, buyer, order["id"])["status"] == "COMPLETED"
        (event,) = events_of("order-completed", order["id"])
        assert (event["riskScore"], event["latencyMs"] >= 0) == ("0.8000", True)
        assert wallet_of(client, buyer)["balance"] == "4000.00"
        assert wallet_of(client, seller)["balance"] == LARGE
        answer = client.get(f"/api/v1/orders/{order['id']}/delivery", headers=buyer.headers)
        assert answer.status_code == 200
        second = decide_case(client, factories.admin(), case["id"], "reject")
        assert (second.status_code, second.json["error"]) == (409, "RISK_CASE_DECIDED")
        assert review_of(client, buyer, case["id"])["status"] == "RELEASED"
        assert broken_invariants() == []

    def test_it_is_rejected_and_everything_is_as_before(self, committing: Flask) -> None:
        client, admin = committing.test_client(), factories.admin()
        buyer, seller = factories.buyer("10000.00"), factories.merchant()
        product_id = factories.product(seller, price=LARGE, units=5)
        order = buy(client, buyer, product_id).json
        (case,) = open_cases(client, admin)

        assert decide_case(client, admin, case["id"], "reject").status_code == 200

        order = order_of(client, buyer, order["id"])
        assert (order["status"], order["failureReason"]) == ("FAILED", service.REJECTED)
        assert units(client, product_id) == 5
        wallet = wallet_of(client, buyer)
        assert (wallet["balance"], wallet["available"]) == ("10000.00", "10000.00")
        assert broken_invariants() == []

    def test_it_is_released_although_its_product_was_deleted(self, committing: Flask) -> None:
        client, admin = committing.test_client(), factories.admin()
        buyer, seller = factories.buyer("10000.00"), factories.merchant()
        product_id = factories.product(seller, price=LARGE, units=5)
        order = buy(client, buyer, product_id).json
        client.delete(f"/api/v1/products/{product_id}", headers=seller.headers)
        (case,) = open_cases(client, admin)

        assert decide_case(client, admin, case["id"], "release").status_code == 200

        assert order_of(client, buyer, order["id"])["status"] == "COMPLETED"
        assert broken_invariants() == []

    def test_a_retry_with_the_same_key_is_not_held_twice(self, committing: Flask) -> None:
        client = committing.test_client()
        buyer, seller = factories.buyer("20000.00"), factories.merchant()
        product_id = factories.product(seller, price=LARGE, units=5)
        body = {"productId": str(product_id), "paymentMethod": "WALLET"}
        headers = buyer.headers | {"Idempotency-Key": "once"}

        answers = [client.post("/api/v1/orders", json=body, headers=headers) for _ in range(2)]

        assert answers[0].data == answers[1].data
        assert wallet_of(client, buyer)["available"] == "14000.00"
        assert broken_invariants() == []


@pytest.mark.parametrize(
    "spend",
    [
        outflows.transfer,
        outflows.withdraw,
        outflows.pay_request,
        outflows.pay_amount_by_code,
        outflows.place_hold,
    ],
    ids=lambda spend: spend.__name__,
)
@pytest.mark.parametrize("decision", ["release", "reject", "expire"])
def test_what_was_asked_for_is_done_once_it_is_released(
    committing: Flask, monkeypatch: pytest.MonkeyPatch, spend: outflows.Spend, decision: str
) -> None:
    client, admin = committing.test_client(), factories.admin()
    payer, payee = factories.buyer("10000.00"), factories.merchant()

    answer = spend(client, payer, payee, LARGE, {"Idempotency-Key": "once"})

    assert (answer.status_code, answer.json["status"]) == (202, "PENDING_REVIEW")
    case_id = answer.json["id"]
    assert spend is outflows.pay_request or (
        spend(client, payer, payee, LARGE, {"Idempotency-Key": "once"}).status_code in (202, 422)
    )
    wallet = wallet_of(client, payer)
    assert (wallet["balance"], wallet["available"]) == ("10000.00", "4000.00")
    (event,) = events_of("payment-under-review", case_id)
    assert (event["userId"], event["amount"], event["riskScore"]) == (
        str(payer.id),
        600_000,
        "0.8000",
    )
    assert event["latencyMs"] >= 0
    assert broken_invariants() == []

    if decision == "expire":
        later = service.clock.now() + timedelta(days=4)
        with monkeypatch.context() as patch:
            patch.setattr(service.clock, "now", lambda: later)
            assert tasks.expire_cases() == 1
    else:
        assert decide_case(client, admin, case_id, decision).status_code == 200

    wallet, review = wallet_of(client, payer), review_of(client, payer, case_id)
    if decision == "release":
        assert wallet["available"] == "4000.00"
        assert wallet["balance"] == ("10000.00" if spend is outflows.place_hold else "4000.00")
        assert review["status"] == "RELEASED"
        assert review["resultId"] is not None
    else:
        assert (wallet["balance"], wallet["available"]) == ("10000.00", "10000.00")
        assert review["status"] == {"reject": "REJECTED", "expire": "EXPIRED"}[decision]
    (event,) = events_of("payment-reviewed", case_id)
    assert (event["status"], event["riskScore"]) == (review["status"], "0.8000")
    assert (event.get("latencyMs") is None) == (decision == "expire")
    assert broken_invariants() == []
    relay()
    (shown,) = [row for row in latest() if row.status != "REVIEW"]
    assert (shown.status == "APPROVED") == (decision == "release")
    assert shown.risk_score == Decimal("0.8")
    assert (shown.latency_ms is None) == (decision == "expire")


def test_a_payout_is_created_when_it_is_released(committing: Flask, bank: Any) -> None:
    client, admin = committing.test_client(), factories.admin()
    payer = factories.buyer("10000.00")
    account_id = bank_account_of(client, payer)

    answer = create_payout(client, payer, account_id, LARGE)

    assert (answer.status_code, answer.json["kind"]) == (202, "PAYOUT")
    assert client.get("/api/v1/wallet/payouts", headers=payer.headers).json["data"] == []
    assert decide_case(client, admin, answer.json["id"], "release").status_code == 200
    (payout,) = client.get("/api/v1/wallet/payouts", headers=payer.headers).json["data"]
    assert (payout["status"], payout["amount"]) == ("PENDING", LARGE)
    assert broken_invariants() == []
    payouts.advance(UUID(payout["id"]))
    relay()
    shown, _ = latest()
    assert (shown.kind, shown.status, shown.risk_score) == ("PAYOUT", "APPROVED", Decimal("0.8"))
    assert shown.latency_ms is not None


class TestDecisions:
    @pytest.fixture
    def case_id(self, committing: Flask) -> str:
        self.payer, self.payee = factories.buyer("10000.00"), factories.actor()
        answer = send(committing.test_client(), self.payer, self.payee, LARGE)
        found: str = answer.json["id"]
        return found

    def test_only_one_of_two_administrators_decides(self, committing: Flask, case_id: str) -> None:
        admins = [factories.admin() for _ in range(6)]

        answers = all_at_once(
            lambda n: decide_case(
                committing.test_client(), admins[n], case_id, ("release", "reject")[n % 2]
            ),
            range(6),
        )

        assert outcomes(answers) == {(200, None): 1, (409, "RISK_CASE_DECIDED"): 5}
        assert broken_invariants() == []

    def test_expiry_and_release_do_not_both_happen(self, committing: Flask, case_id: str) -> None:
        admin = factories.admin()
        with transaction() as session:
            factories.as_owner(session, "UPDATE risk_cases SET expires_at = now()")

        def act(n: int) -> Any:
            if n:
                with committing.app_context():
                    return tasks.expire_cases()
            return decide_case(committing.test_client(), admin, case_id, "release").status_code

        assert all_at_once(act, range(2)) == [409, 1]
        client = committing.test_client()
        assert wallet_of(client, self.payer)["available"] == "10000.00"
        assert review_of(client, self.payer, case_id)["status"] == "EXPIRED"
        assert broken_invariants() == []

    @pytest.mark.parametrize("obstacle", ["deactivated payee", "deactivated payer", "locked payer"])
    def test_what_is_no_longer_possible_stays_open_and_can_be_rejected(
        self, committing: Flask, case_id: str, obstacle: str
    ) -> None:
        client, admin = committing.test_client(), factories.admin()
        user = self.payee if obstacle.endswith("payee") else self.payer
        if obstacle.startswith("locked"):
            lock(client, user)
        else:
            deactivate(client, user)

        answer = decide_case(client, admin, case_id, "release")

        assert (answer.status_code, answer.json["error"]) == (409, "RISK_CASE_NOT_RELEASABLE")
        assert [case["id"] for case in open_cases(client, admin)] == [case_id]
        assert broken_invariants() == []
        assert decide_case(client, admin, case_id, "reject").status_code == 200
        assert broken_invariants() == []

    def test_nobody_decides_about_their_own_payment(self, committing: Flask) -> None:
        client, admin = committing.test_client(), factories.admin()
        answer = send(client, factories.actor(balance="10000.00"), admin, LARGE)

        refused = decide_case(client, admin, answer.json["id"], "release")

        assert (refused.status_code, refused.json["error"]) == (403, "OWN_ACCOUNT")

    def test_it_is_assigned_noted_and_snoozed(self, committing: Flask, case_id: str) -> None:
        client, admin = committing.test_client(), factories.admin()

        def post(what: str, **body: Any) -> TestResponse:
            return client.post(f"{CASES}/{case_id}/{what}", json=body, headers=admin.headers)

        assert post("assign", assigneeId=str(admin.id)).json["case"]["assignedTo"] == str(admin.id)
        assert post("assign", assigneeId=str(self.payer.id)).status_code == 400
        noted = post("notes", text="Called them")
        assert (noted.status_code, noted.json["notes"][0]["text"]) == (201, "Called them")
        until = service.clock.format_timestamp(service.clock.now() + timedelta(hours=1))
        assert post("snooze", until=until).json["case"]["snoozedUntil"] == until
        assert post("snooze", until="2020-01-01T00:00:00Z").status_code == 400
        queue = f"{CASES}?status=OPEN&withSnoozed=false"
        assert client.get(queue, headers=admin.headers).json["data"] == []
        mine = f"{CASES}?assignedTo={admin.id}"
        (listed,) = client.get(mine, headers=admin.headers).json["data"]
        assert (listed["id"], listed["payer"]["email"]) == (case_id, self.payer.email)
        assert decide_case(client, admin, case_id, "reject").status_code == 200
        assert post("snooze", until=until).json["error"] == "RISK_CASE_DECIDED"
        assert post("notes", text="Afterwards").status_code == 201

    def test_others_do_not_see_a_review(self, committing: Flask, case_id: str) -> None:
        client = committing.test_client()
        stranger = factories.actor()
        assert review_of(client, stranger, case_id)["error"] == "REVIEW_NOT_FOUND"
        assert client.get(REVIEWS, headers=stranger.headers).json["data"] == []
        assert len(client.get(REVIEWS, headers=self.payer.headers).json["data"]) == 1


def test_the_threshold_is_a_setting(
    committing: Flask, configure: Callable[[Any, object], None]
) -> None:
    configure(parameters, Parameters(review_above=Decimal("50.00")))
    client = committing.test_client()
    payer, payee = factories.buyer("1000.00"), factories.actor()

    assert send(client, payer, payee, "50.00").status_code == 201
    assert send(client, payer, payee, "50.01").status_code == 202
    assert [row.outcome for row in decisions(payer.id)] == ["APPROVE", "REVIEW"]


def test_everything_that_is_done_to_a_case_is_in_the_audit_log(
    committing: Flask,
) -> None:
    client, admin = committing.test_client(), factories.admin()
    send(client, factories.buyer("10000.00"), factories.buyer(), LARGE)
    (case,) = open_cases(client, admin)
    actions = {
        "assign": {"assigneeId": str(admin.id)},
        "snooze": {"until": clock.format_timestamp(clock.now() + timedelta(hours=1))},
        "notes": {"text": "Called them"},
        "release": {},
    }
    for action, body in actions.items():
        path = f"{CASES}/{case['id']}/{action}"
        assert client.post(path, json=body, headers=admin.headers).status_code < 300

    with transaction() as session:
        found = session.scalars(
            select(AuditRecord.action)
            .where(AuditRecord.actor_id == admin.id)
            .order_by(AuditRecord.id)
        ).all()
    verbs = ("assign", "snooze", "note", "release")
    assert list(found) == [f"risk-case.{verb}" for verb in verbs]
