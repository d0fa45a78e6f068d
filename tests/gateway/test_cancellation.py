"""Cancelled and expired orders at the gateway."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.common import db
from app.gateway import client as client_of_gateway
from app.gateway.types import CheckoutSessionState
from app.orders.checkouts import tasks
from app.orders.models import Checkout, Order
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.gateway.orders import (
    create_order,
    deactivate,
    deliver_and_handle,
    set_locked,
)
from tests.orders.helpers import ORDERS, balance, buy, units
from tests.orders.refunds.helpers import shown
from tests.responses import error_body, refusal
from tests.stripe import (
    Buyer,
    SandboxGateway,
    Shop,
)


class TestCancelling:
    def test_a_cancelled_order_cannot_be_paid_and_its_stock_is_available(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=1)
        body = create_order(client, buyer, product_id).json
        path = f"{ORDERS}/{body['order']['id']}/cancel"
        for other in (seller, factories.buyer()):
            assert refusal(client.post(path, headers=other.headers)) == (404, "ORDER_NOT_FOUND")

        answer = client.post(path, headers=buyer.headers)

        assert (answer.status_code, answer.json["status"]) == (200, "CANCELLED")
        assert units(client, product_id) == 1
        deliver_and_handle(client, shop.wait_for(1)[0])  # the session has expired
        assert shown(client, buyer, body["order"]["id"])["status"] == "CANCELLED"
        again = client.post(path, headers=buyer.headers)
        assert refusal(again) == (409, "ORDER_NOT_CANCELLABLE")
        assert broken_invariants() == []

    def test_the_event_of_its_own_expiry_may_arrive_before_the_answer(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        shop: Shop,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        product_id = factories.product(seller, units=1)
        order_id = create_order(client, buyer, product_id).json["order"]["id"]
        expire = client_of_gateway.expire_checkout_session

        def expire_and_report(session_id: str) -> CheckoutSessionState:
            state = expire(session_id)
            deliver_and_handle(client, shop.wait_for(1)[0])
            return state

        monkeypatch.setattr(client_of_gateway, "expire_checkout_session", expire_and_report)

        answer = client.post(f"{ORDERS}/{order_id}/cancel", headers=buyer.headers)

        assert (answer.status_code, answer.json["status"]) == (200, "CANCELLED")
        assert answer.json["failureReason"] is None
        assert units(client, product_id) == 1
        assert broken_invariants() == []

    def test_a_repeated_cancellation_gets_the_same_response(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        body = create_order(client, buyer, factories.product(seller)).json
        path = f"{ORDERS}/{body['order']['id']}/cancel"
        headers = buyer.headers | {"Idempotency-Key": "k-1"}

        first, again = (client.post(path, headers=headers) for _ in range(2))

        assert (first.status_code, first.json["status"]) == (200, "CANCELLED")
        assert (again.status_code, again.data) == (200, first.data)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert broken_invariants() == []

    def test_an_order_paid_before_its_cancellation_is_completed(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        body = create_order(client, buyer, factories.product(seller, price="10.00")).json
        Buyer().pay(body["checkoutUrl"])
        shop.wait_for(1)

        path = f"{ORDERS}/{body['order']['id']}/cancel"
        answer = client.post(path, headers=buyer.headers)

        assert refusal(answer) == (409, "ORDER_NOT_CANCELLABLE")
        assert error_body(answer)["details"] == {"status": "COMPLETED"}
        assert balance(client, seller) == "10.00"
        assert broken_invariants() == []

    def test_an_order_whose_session_is_still_open_stays_pending(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        product_id = factories.product(seller, units=1)
        body = create_order(client, buyer, product_id).json
        # As while a payment is in progress there.
        monkeypatch.setattr(
            client_of_gateway,
            "expire_checkout_session",
            client_of_gateway.retrieve_checkout_session,
        )

        answer = client.post(f"{ORDERS}/{body['order']['id']}/cancel", headers=buyer.headers)

        assert refusal(answer) == (409, "ORDER_NOT_CANCELLABLE")
        assert error_body(answer)["details"] == {"status": "PENDING"}
        assert units(client, product_id) == 0
        assert broken_invariants() == []

    def test_an_order_whose_session_contradicts_our_record_is_flagged(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=1)
        order_id = create_order(client, buyer, product_id).json["order"]["id"]
        other = create_order(client, buyer, factories.product(seller, price="9.00")).json
        with db.transaction() as session:
            session.execute(
                update(Order)
                .where(Order.id == UUID(order_id))
                .values(stripe_session_id=other["sessionId"])
            )

        answer = client.post(f"{ORDERS}/{order_id}/cancel", headers=buyer.headers)

        assert refusal(answer) == (409, "ORDER_NOT_CANCELLABLE")
        assert shown(client, buyer, order_id)["status"] == "PENDING"
        with db.transaction() as session:
            assert session.get_one(Checkout, UUID(order_id)).flagged_at is not None

    @pytest.mark.parametrize("by", ["webhook", "sweep", "cancellation"])
    @pytest.mark.parametrize("suspend", [set_locked, deactivate])
    def test_a_paid_order_is_delivered_although_the_merchant_can_sell_no_more(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        shop: Shop,
        seller: Actor,
        buyer: Actor,
        suspend: Callable[[Actor], None],
        by: str,
    ) -> None:
        """The buyer has paid for what was reserved. The money stays in the merchant's wallet."""
        product_id = factories.product(seller, price="10.00")
        body = create_order(client, buyer, product_id).json
        order_id = body["order"]["id"]
        suspend(seller)
        refused = {set_locked: (403, "WALLET_LOCKED"), deactivate: (400, "PRODUCT_INACTIVE")}
        assert refusal(create_order(client, buyer, product_id)) == refused[suspend]
        Buyer().pay(body["checkoutUrl"])
        (webhook,) = shop.wait_for(1)

        if by == "webhook":
            assert deliver_and_handle(client, webhook) == 200
        elif by == "sweep":
            tasks.close_checkout(UUID(order_id))
        else:
            answer = client.post(f"{ORDERS}/{order_id}/cancel", headers=buyer.headers)
            assert refusal(answer) == (409, "ORDER_NOT_CANCELLABLE")

        assert shown(client, buyer, order_id)["status"] == "COMPLETED"
        path = f"{ORDERS}/{order_id}/delivery"
        assert client.get(path, headers=buyer.headers).status_code == 200
        with db.transaction() as session:
            assert factories.wallet(session, seller.id).balance == 1000
        assert broken_invariants() == []

    def test_an_expired_order_is_released_once(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=3)
        body = create_order(client, buyer, product_id, quantity=3).json
        gateway.request("POST", f"/v1/checkout/sessions/{body['sessionId']}/expire")
        webhooks = shop.wait_for(1)
        for one in webhooks * 2:
            assert deliver_and_handle(client, one) == 200
        assert shown(client, buyer, body["order"]["id"])["status"] == "FAILED"
        assert units(client, product_id) == 3
        assert broken_invariants() == []

    def test_an_order_from_the_wallet_cannot_be_cancelled(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        buyer = factories.buyer()
        made = buy(client, buyer, factories.product(seller)).json
        answer = client.post(f"{ORDERS}/{made['id']}/cancel", headers=buyer.headers)
        assert refusal(answer) == (409, "ORDER_NOT_CANCELLABLE")
