"""Refunds that the gateway refuses for good: an administrator settles them."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.audit.models import AuditRecord
from app.auth.errors import OwnAccount
from app.common import db
from app.events.models import OutboxEvent
from app.gateway import client as client_of_gateway
from app.gateway.errors import GatewayRefused, GatewayUnavailable
from app.gateway.types import GatewayRefund, GatewayRefundStatus
from app.inbox.errors import Quarantine
from app.ledger_lock.service import ledger_transaction
from app.orders.models import Refund, RefundDestination
from app.orders.refunds import gateway_refunds, settlements
from app.orders.refunds import tasks as refund_tasks
from app.wallets import ledger
from app.wallets.models import SystemCode
from tests import factories
from tests.administration.helpers import rows
from tests.authenticator import ManualClock, enable_two_factor
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.gateway.orders import create_order, deliver_and_handle, set_locked
from tests.orders.helpers import ORDERS, balance
from tests.orders.refunds.helpers import refund
from tests.responses import refusal
from tests.stripe import Buyer, SandboxGateway, Shop


@pytest.fixture
def order_id(
    client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
) -> str:
    """A paid order of 30.00."""
    body = create_order(client, buyer, factories.product(seller, price="10.00"), quantity=3).json
    Buyer().pay(body["checkoutUrl"])
    deliver_and_handle(client, shop.wait_for(1)[-1])
    made: str = body["order"]["id"]
    return made


@pytest.fixture
def refused(
    client: FlaskClient,
    gateway: SandboxGateway,
    shop: Shop,
    seller: Actor,
    buyer: Actor,
    order_id: str,
) -> str:
    """A refund of 12.00 that the gateway refuses: the money went back in its dashboard."""
    order = client.get(f"{ORDERS}/{order_id}", headers=buyer.headers).json
    intent = {"payment_intent": order["stripePaymentIntentId"]}
    assert gateway.request("POST", "/v1/refunds", intent).status == 200
    made: dict[str, Any] = refund(client, seller, order_id, amount="12.00").json
    refund_tasks.request_refund(UUID(made["id"]))
    refund_id: str = made["id"]
    return refund_id


def settle(
    client: FlaskClient, refund_id: str, destination: str, *, key: str | None = None, **by: Actor
) -> Any:
    headers = by.get("by", factories.admin()).headers
    return client.post(
        f"/api/v1/admin/refunds/{refund_id}/settle",
        json={"destination": destination, "reason": "Refunded in the dashboard"},
        headers=headers | ({"Idempotency-Key": key} if key else {}),
    )


def shown(client: FlaskClient, user: Actor, order_id: str) -> dict[str, Any]:
    (found,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=user.headers).json
    return {name: found[name] for name in ("status", "destination", "failureReason")}


def system_balance(code: SystemCode) -> int:
    with db.transaction() as session:
        query = text("SELECT coalesce(sum(amount), 0) FROM wallet_transactions WHERE wallet_id=:w")
        wallet_id = ledger.system_account(code, "USD").id
        return int(session.execute(query, {"w": wallet_id}).scalar_one())


def event_types(refund_id: str) -> list[str]:
    with db.transaction() as session:
        query = select(OutboxEvent.type).where(OutboxEvent.aggregate_id == UUID(refund_id))
        return list(session.scalars(query.order_by(OutboxEvent.id)))


class TestAdministrator:
    def test_one_with_a_second_factor_needs_a_code(
        self, client: FlaskClient, refused: str, totp_clock: ManualClock
    ) -> None:
        admin = factories.admin()
        authenticator = enable_two_factor(client, admin, totp_clock)

        answer = settle(client, refused, "EXTERNAL", by=admin)
        assert (answer.status_code, answer.json["error"]) == (403, "TWO_FACTOR_REQUIRED")
        code = {"X-Two-Factor-Code": authenticator.code()}
        answer = client.post(
            f"/api/v1/admin/refunds/{refused}/settle",
            json={"destination": "EXTERNAL", "reason": "Refunded in the dashboard"},
            headers=admin.headers | code,
        )
        assert answer.status_code == 200

    @pytest.mark.parametrize("party", ["buyer", "seller"])
    def test_a_party_of_the_order_cannot_settle(
        self, refused: str, buyer: Actor, seller: Actor, party: str
    ) -> None:
        with pytest.raises(OwnAccount), factories.ledger_session() as session:
            settlements.settle(
                session,
                actor_id={"buyer": buyer, "seller": seller}[party].id,
                refund_id=UUID(refused),
                destination=RefundDestination.WALLET,
                reason="To myself",
            )


class TestSettling:
    @pytest.mark.parametrize(
        ("destination", "event", "buyer_has", "bank_gets"),
        [
            ("WALLET", "refund-redirected", "13.00", 0),
            ("EXTERNAL", "refund-paid-externally", "1.00", 1200),
        ],
    )
    def test_the_buyer_gets_the_money_once_and_it_is_recorded(
        self,
        client: FlaskClient,
        seller: Actor,
        buyer: Actor,
        order_id: str,
        refused: str,
        destination: str,
        event: str,
        buyer_has: str,
        bank_gets: int,
    ) -> None:
        assert shown(client, buyer, order_id) == {
            "status": "PENDING",
            "destination": "GATEWAY",
            "failureReason": "charge_already_refunded",
        }
        admin, bank = factories.admin(), system_balance(SystemCode.BANK)

        answer = settle(client, refused, destination, by=admin, key="settle-1")
        again = settle(client, refused, destination, by=admin, key="settle-1")

        assert (answer.status_code, answer.json["destination"]) == (200, destination)
        assert again.data == answer.data
        assert refusal(settle(client, refused, destination)) == (409, "REFUND_NOT_SETTLEABLE")
        assert shown(client, buyer, order_id)["status"] == "SUCCEEDED"
        assert (balance(client, buyer), balance(client, seller)) == (buyer_has, "18.00")
        assert system_balance(SystemCode.BANK) - bank == bank_gets
        assert system_balance(SystemCode.GATEWAY) == -3000
        assert event_types(refused) == ["refund-flagged", event]
        with db.transaction() as session:
            (record,) = session.scalars(
                select(AuditRecord).where(AuditRecord.action == "refund.settle")
            )
        assert (record.actor_id, record.target_id, record.reason) == (
            admin.id,
            UUID(refused),
            "Refunded in the dashboard",
        )
        assert record.details == {
            "orderNumber": answer.json["orderNumber"],
            "destination": destination,
            "amount": 1200,
            "currency": "USD",
            "refusal": "charge_already_refunded",
        }
        assert broken_invariants() == []

    def test_a_locked_wallet_is_not_credited(
        self, client: FlaskClient, buyer: Actor, order_id: str, refused: str
    ) -> None:
        set_locked(buyer)
        assert refusal(settle(client, refused, "WALLET")) == (403, "WALLET_LOCKED")
        assert settle(client, refused, "EXTERNAL").status_code == 200
        assert broken_invariants() == []

    def test_the_job_leaves_a_settled_refund_alone(
        self, client: FlaskClient, buyer: Actor, order_id: str, refused: str
    ) -> None:
        settle(client, refused, "EXTERNAL")
        refund_tasks.request_refund(UUID(refused))
        assert refund_tasks.sweep() == 0
        assert shown(client, buyer, order_id)["destination"] == "EXTERNAL"

    def test_a_refund_that_the_gateway_made_after_all_is_reported(
        self, client: FlaskClient, refused: str
    ) -> None:
        settle(client, refused, "WALLET")
        made = GatewayRefund("re_1", GatewayRefundStatus.SUCCEEDED, None)

        def record(session: Any) -> None:
            gateway_refunds.record_outcome(session, refund_id=UUID(refused), state=made)

        with pytest.raises(Quarantine, match="REFUNDED_TWICE"):
            ledger_transaction(record)
        with db.transaction() as session:
            assert session.get_one(Refund, UUID(refused)).destination == "WALLET"
        assert broken_invariants() == []


class TestRefusing:
    def test_only_a_refund_that_the_gateway_refuses_can_be_settled(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, order_id: str
    ) -> None:
        pending = refund(client, seller, order_id, amount="12.00").json["id"]
        assert refusal(settle(client, pending, "WALLET")) == (409, "REFUND_NOT_SETTLEABLE")
        refund_tasks.request_refund(UUID(pending))
        assert refusal(settle(client, pending, "WALLET")) == (409, "REFUND_NOT_SETTLEABLE")
        unknown = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"
        assert refusal(settle(client, unknown, "WALLET")) == (404, "REFUND_NOT_FOUND")
        assert broken_invariants() == []

    def test_a_later_success_at_the_gateway_ends_the_refusal(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
        order_id: str,
    ) -> None:
        made = refund(client, seller, order_id, amount="12.00").json["id"]

        def refuse(*_: Any, **__: Any) -> Any:
            raise GatewayRefused(reason="insufficient_funds")

        with monkeypatch.context() as patch:
            patch.setattr(client_of_gateway, "create_refund", refuse)
            refund_tasks.request_refund(UUID(made))
        assert shown(client, buyer, order_id)["failureReason"] == "insufficient_funds"
        refund_tasks.request_refund(UUID(made))
        assert shown(client, buyer, order_id) == {
            "status": "SUCCEEDED",
            "destination": "GATEWAY",
            "failureReason": None,
        }
        assert broken_invariants() == []

    def test_the_gateway_is_asked_first_whether_it_has_made_the_refund(
        self,
        client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
        buyer: Actor,
        order_id: str,
        refused: str,
    ) -> None:
        made = GatewayRefund("re_1", GatewayRefundStatus.SUCCEEDED, None)
        monkeypatch.setattr(client_of_gateway, "find_refund", lambda *_, **__: made)
        assert refusal(settle(client, refused, "WALLET")) == (409, "REFUND_NOT_SETTLEABLE")
        assert shown(client, buyer, order_id)["destination"] == "GATEWAY"
        assert shown(client, buyer, order_id)["status"] == "SUCCEEDED"
        assert balance(client, buyer) == "1.00"

    def test_nothing_is_settled_while_the_gateway_does_not_respond(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, refused: str
    ) -> None:
        def fail(*_: Any, **__: Any) -> Any:
            raise GatewayUnavailable

        monkeypatch.setattr(client_of_gateway, "find_refund", fail)
        assert refusal(settle(client, refused, "WALLET")) == (503, "GATEWAY_UNAVAILABLE")

    @pytest.mark.parametrize("destination", ["GATEWAY", "wallet", ""])
    def test_another_destination_is_refused(
        self, client: FlaskClient, refused: str, destination: str
    ) -> None:
        assert refusal(settle(client, refused, destination)) == (400, "VALIDATION_ERROR")

    def test_a_settlement_without_its_audit_record_is_found(
        self, client: FlaskClient, refused: str
    ) -> None:
        settle(client, refused, "EXTERNAL")
        with db.transaction() as session:
            session.get_one(Refund, UUID(refused)).settlement_reason = "Another"
        assert (
            "A refund that was settled by hand has succeeded, with its record in the audit log"
            in broken_invariants()
        )


class TestList:
    def test_a_refused_refund_is_listed_until_it_is_settled(
        self, client: FlaskClient, refused: str, seller: Actor, buyer: Actor
    ) -> None:
        admin = factories.admin()
        (row,) = rows(client, admin, "refunds")
        assert (row["id"], row["amount"], row["status"]) == (refused, "12.00", "PENDING")
        assert (row["buyer"]["email"], row["merchant"]["email"]) == (buyer.email, seller.email)
        assert row["failureReason"]
        assert row["flaggedAt"]
        assert settle(client, refused, "EXTERNAL", by=admin).status_code == 200
        assert rows(client, admin, "refunds") == []

    def test_others_are_not_listed(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, order_id: str
    ) -> None:
        assert refund(client, seller, order_id, amount="5.00").json["status"] == "PENDING"
        assert rows(client, factories.admin(), "refunds") == []
