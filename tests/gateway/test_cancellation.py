"""Cancelled and expired orders at the gateway."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.common import db
from app.gateway import client as client_of_gateway
from app.orders.checkouts import tasks
from app.orders.models import Checkout, Order
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.gateway.orders import (
    create_order,
    deliver_and_handle,
    handle_received_events,
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

    def test_a_merchant_whose_wallet_was_locked_is_paid_once_it_is_unlocked(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        body = create_order(client, buyer, factories.product(seller, price="10.00")).json
        order_id = body["order"]["id"]
        Buyer().pay(body["checkoutUrl"])
        (webhook,) = shop.wait_for(1)
        set_locked(seller)

        assert deliver_and_handle(client, webhook) == 200
        tasks.close_checkout(UUID(order_id))
        answer = client.post(f"{ORDERS}/{order_id}/cancel", headers=buyer.headers)

        assert refusal(answer) == (403, "WALLET_LOCKED")
        assert shown(client, buyer, order_id)["status"] == "PENDING"
        assert broken_invariants() == []
        set_locked(seller, locked=False)
        tasks.close_checkout(UUID(order_id))
        handle_received_events()
        assert shown(client, buyer, order_id)["status"] == "COMPLETED"
        assert balance(client, seller) == "10.00"
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
