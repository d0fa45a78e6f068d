"""Orders paid at the gateway: reserved, then completed once or released."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.event import listen

from app.common import clock, db
from app.gateway import client as client_of_gateway
from app.gateway.types import GatewayRefund, GatewayRefundStatus
from app.inbox import tasks as inbox
from app.inbox.models import InboundEvent
from app.ledger_lock.service import ledger_transaction
from app.orders import repository
from app.orders.checkouts import client as pages
from app.orders.checkouts import service as checkouts
from app.orders.checkouts import tasks
from app.orders.checkouts.service import PayableOrder
from app.orders.models import Checkout, Order
from app.orders.refunds import tasks as refund_tasks
from tests import factories
from tests.answers import error_body, refusal
from tests.concurrency import broken
from tests.coupons.helpers import make, uses
from tests.factories import Actor
from tests.orders.helpers import ORDERS, balance, buy, units
from tests.orders.refunds.helpers import refund, shown
from tests.stripe import (
    DECLINED_CARD,
    FAILING_REFUND_CARD,
    Buyer,
    Received,
    SandboxGateway,
    Shop,
)

WEBHOOKS = "/api/v1/webhooks/stripe"


def order(client: FlaskClient, buyer: Actor, product_id: UUID, **fields: Any) -> Any:
    """The response to a purchase at the gateway; its JSON has order, checkoutUrl and sessionId."""
    key = fields.pop("key", None)
    body = {"productId": str(product_id), "paymentMethod": "GATEWAY"} | fields
    headers = buyer.headers | ({"Idempotency-Key": key} if key else {})
    return client.post(ORDERS, json=body, headers=headers)


def tell(client: FlaskClient, told: Received) -> int:
    """Deliver a webhook of the gateway, and have the worker handle it."""
    answer = client.post(
        WEBHOOKS,
        data=told.raw,
        headers={"Stripe-Signature": told.header},
        content_type="application/json",
    )
    settle_all()
    return answer.status_code


def settle_all() -> None:
    with db.transaction() as session:
        waiting = session.scalars(
            select(InboundEvent.id).where(InboundEvent.status == "RECEIVED")
        ).all()
    for event_id in waiting:
        inbox.handle(str(event_id))


def lock(owner: Actor, *, locked: bool = True) -> None:
    with db.transaction() as session:
        factories.wallet(session, owner.id).is_locked = locked


def make_due(order_id: str) -> None:
    with db.transaction() as session:
        session.execute(
            update(Checkout)
            .where(Checkout.order_id == UUID(order_id))
            .values(next_attempt_at=clock.now() - timedelta(seconds=1))
        )


@pytest.fixture
def seller(app: Flask) -> Actor:
    return factories.merchant()


@pytest.fixture
def buyer(app: Flask) -> Actor:
    return factories.buyer("1.00")


class TestPaying:
    def test_a_paid_order_is_completed_once_however_often_its_event_is_delivered(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        shop: Shop,
        change_settings: Any,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        change_settings(platform_fee_bps=1000)
        product_id = factories.product(seller, price="25.00", units=5)

        answer = order(client, buyer, product_id, quantity=2)

        assert answer.status_code == 201
        body = answer.json
        assert list(body) == ["order", "checkoutUrl", "sessionId"]
        made = body["order"]
        assert (made["status"], made["paymentMethod"], made["amount"], made["completedAt"]) == (
            "PENDING",
            "GATEWAY",
            "50.00",
            None,
        )
        assert made["stripeSessionId"] == body["sessionId"]
        assert units(client, product_id) == 3
        assert broken() == []

        assert Buyer().pay(body["checkoutUrl"]).status == 303
        told = shop.wait_for(1)
        assert [tell(client, one) for one in told * 3] == [200] * 3

        paid = shown(client, buyer, made["id"])
        assert (paid["status"], paid["stripeSessionId"]) == ("COMPLETED", body["sessionId"])
        assert paid["stripePaymentIntentId"].startswith("pi_")
        assert (balance(client, buyer), balance(client, seller)) == ("1.00", "45.00")
        assert units(client, product_id) == 3
        assert broken() == []

    def test_after_a_declined_card_another_can_pay(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        body = order(client, buyer, factories.product(seller)).json
        person = Buyer()
        person.pay(body["checkoutUrl"], DECLINED_CARD)
        (failed,) = shop.wait_for(1)
        assert tell(client, failed) == 200
        after = shown(client, buyer, body["order"]["id"])
        assert (after["status"], after["failureReason"]) != ("PENDING", None)
        person.pay(body["checkoutUrl"])
        tell(client, shop.wait_for(2)[1])
        after = shown(client, buyer, body["order"]["id"])
        assert (after["status"], after["failureReason"]) == ("COMPLETED", None)
        tell(client, failed)  # late and again
        assert shown(client, buyer, body["order"]["id"])["status"] == "COMPLETED"
        assert broken() == []

    def test_the_same_key_returns_the_same_checkout(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=5)
        first = order(client, buyer, product_id, key="g-1")
        again = order(client, buyer, product_id, key="g-1")
        assert (again.text, again.headers["Idempotent-Replayed"]) == (first.text, "true")
        other = order(client, buyer, product_id, key="g-1", quantity=2)
        assert refusal(other) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert units(client, product_id) == 4

    def test_a_refused_purchase_calls_no_gateway_and_is_remembered(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=1)
        for _ in range(2):
            answer = order(client, buyer, product_id, quantity=2, key="g-2")
            assert (answer.status_code, answer.json["error"]) == (400, "PRODUCT_OUT_OF_STOCK")
        assert refusal(order(client, seller, product_id)) == (400, "CANNOT_BUY_OWN_PRODUCT")
        make(client, seller, code="GIFT", value="100")
        answer = order(client, buyer, product_id, couponCode="GIFT")
        assert refusal(answer) == (400, "NOTHING_TO_PAY")
        assert units(client, product_id) == 1

    def test_a_total_above_the_maximum_amount_is_refused_even_with_a_coupon(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, price="92233720368547758.07")
        make(client, seller, code="MOST", value="60")
        answer = order(client, buyer, product_id, quantity=2, couponCode="MOST")
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert units(client, product_id) == 5

    def test_a_buyer_has_a_maximum_number_of_open_checkouts(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=50)
        made = [order(client, buyer, product_id).json for _ in range(10)]
        assert refusal(order(client, buyer, product_id)) == (409, "TOO_MANY_CHECKOUTS")
        assert units(client, product_id) == 40
        path = f"{ORDERS}/{made[0]['order']['id']}/cancel"
        assert client.post(path, headers=buyer.headers).status_code == 200
        assert order(client, buyer, product_id).status_code == 201


class TestUnavailability:
    def test_after_a_timeout_the_order_is_pending_and_the_same_key_continues(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=5)
        gateway.set_behaviour(fault="lost-answer", times=1)
        assert refusal(order(client, buyer, product_id, key="g-3")) == (
            503,
            "GATEWAY_UNAVAILABLE",
        )
        assert units(client, product_id) == 4
        (pending,) = client.get(ORDERS, headers=buyer.headers).json["data"]
        assert (pending["status"], pending["stripeSessionId"]) == ("PENDING", None)

        body = order(client, buyer, product_id, key="g-3").json

        assert body["order"]["id"] == pending["id"]
        assert body["checkoutUrl"].startswith(gateway.url)
        assert units(client, product_id) == 4
        assert broken() == []

    def test_another_request_with_its_key_does_not_prevent_continuing(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=5)
        gateway.set_behaviour(fault="lost-answer", times=1)
        order(client, buyer, product_id, key="g-4")
        answer = order(client, buyer, product_id, key="g-4", quantity=2)
        assert refusal(answer) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert broken() == []

        assert order(client, buyer, product_id, key="g-4").status_code == 201
        assert units(client, product_id) == 4
        assert broken() == []

    def test_a_refusal_after_a_reservation_keeps_the_books_consistent(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, price="10.00", units=5)
        gateway.set_behaviour(fault="lost-answer", times=1)
        order(client, buyer, product_id, key="g-5")
        other = {"key": "g-5", "paymentMethod": "WALLET"}
        answer = order(client, buyer, product_id, **other)
        assert refusal(answer) == (400, "INSUFFICIENT_FUNDS")
        assert broken() == []
        with db.transaction() as session:
            session.execute(update(Order).values(completed_at=clock.now()))
        assert "A stored success has its effect; a stored error moved no money" in broken()

    def test_an_order_that_ended_while_its_session_was_created_has_no_link(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        make_page = pages.open_checkout

        def make_it_and_end(found: PayableOrder) -> Any:
            page = make_page(found)
            state = client_of_gateway.expire_checkout_session(page.session_id)
            ledger_transaction(
                partial(checkouts.apply_state, order_id=found.order.id, state=state),
                exclusive=False,
            )
            return page

        monkeypatch.setattr(pages, "open_checkout", make_it_and_end)
        body = order(client, buyer, factories.product(seller)).json
        assert (body["order"]["status"], body["checkoutUrl"]) == ("FAILED", None)

    def test_a_refused_request_does_not_end_an_order_that_has_a_session(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        order_id = order(client, buyer, factories.product(seller)).json["order"]["id"]
        ledger_transaction(
            partial(checkouts.fail_unpayable, order_id=UUID(order_id), reason="idempotency_error"),
            exclusive=False,
        )
        assert shown(client, buyer, order_id)["status"] == "PENDING"
        assert broken() == []

    def test_a_sweep_releases_abandoned_orders(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=5)
        coupon = make(client, seller, maxUses=1).json
        gateway.set_behaviour(fault="lost-answer", times=1)
        order(client, buyer, product_id, couponCode="SPRING")
        (pending,) = client.get(ORDERS, headers=buyer.headers).json["data"]

        tasks.close_checkout(UUID(pending["id"]))

        failed = shown(client, buyer, pending["id"])
        assert (failed["status"], failed["failureReason"]) == ("FAILED", "The checkout expired")
        assert units(client, product_id) == 5
        assert uses(client, seller, coupon["id"]) == 0
        assert broken() == []

    def test_the_sweep_enqueues_only_due_checkouts(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=5)
        first, _ = (order(client, buyer, product_id).json for _ in range(2))
        make_due(first["order"]["id"])
        assert (tasks.sweep(), tasks.sweep()) == (1, 0)

    def test_without_a_gateway_the_purchase_is_refused(
        self,
        client: FlaskClient,
        use_gateway: Callable[[Any], None],
        seller: Actor,
        buyer: Actor,
    ) -> None:
        use_gateway(None)
        product_id = factories.product(seller)
        assert refusal(order(client, buyer, product_id)) == (400, "GATEWAY_NOT_CONFIGURED")


class TestCancelling:
    def test_a_cancelled_order_cannot_be_paid_and_its_stock_is_available(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=1)
        body = order(client, buyer, product_id).json
        path = f"{ORDERS}/{body['order']['id']}/cancel"
        for stranger in (seller, factories.buyer()):
            assert refusal(client.post(path, headers=stranger.headers)) == (404, "ORDER_NOT_FOUND")

        answer = client.post(path, headers=buyer.headers)

        assert (answer.status_code, answer.json["status"]) == (200, "CANCELLED")
        assert units(client, product_id) == 1
        tell(client, shop.wait_for(1)[0])  # that it expired
        assert shown(client, buyer, body["order"]["id"])["status"] == "CANCELLED"
        again = client.post(path, headers=buyer.headers)
        assert refusal(again) == (409, "ORDER_NOT_CANCELLABLE")
        assert broken() == []

    def test_an_order_paid_before_its_cancellation_is_completed(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        body = order(client, buyer, factories.product(seller, price="10.00")).json
        Buyer().pay(body["checkoutUrl"])
        shop.wait_for(1)

        path = f"{ORDERS}/{body['order']['id']}/cancel"
        answer = client.post(path, headers=buyer.headers)

        assert refusal(answer) == (409, "ORDER_NOT_CANCELLABLE")
        assert error_body(answer)["details"] == {"status": "COMPLETED"}
        assert balance(client, seller) == "10.00"
        assert broken() == []

    def test_an_order_whose_session_is_still_open_stays_pending(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        product_id = factories.product(seller, units=1)
        body = order(client, buyer, product_id).json
        # A payment is under way there.
        monkeypatch.setattr(
            client_of_gateway,
            "expire_checkout_session",
            client_of_gateway.retrieve_checkout_session,
        )

        answer = client.post(f"{ORDERS}/{body['order']['id']}/cancel", headers=buyer.headers)

        assert refusal(answer) == (409, "ORDER_NOT_CANCELLABLE")
        assert error_body(answer)["details"] == {"status": "PENDING"}
        assert units(client, product_id) == 0
        assert broken() == []

    def test_an_order_whose_session_contradicts_our_record_is_flagged(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=1)
        order_id = order(client, buyer, product_id).json["order"]["id"]
        other = order(client, buyer, factories.product(seller, price="9.00")).json
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
        body = order(client, buyer, factories.product(seller, price="10.00")).json
        order_id = body["order"]["id"]
        Buyer().pay(body["checkoutUrl"])
        (told,) = shop.wait_for(1)
        lock(seller)

        assert tell(client, told) == 200
        tasks.close_checkout(UUID(order_id))
        answer = client.post(f"{ORDERS}/{order_id}/cancel", headers=buyer.headers)

        assert refusal(answer) == (403, "WALLET_LOCKED")
        assert shown(client, buyer, order_id)["status"] == "PENDING"
        assert broken() == []
        lock(seller, locked=False)
        tasks.close_checkout(UUID(order_id))
        settle_all()
        assert shown(client, buyer, order_id)["status"] == "COMPLETED"
        assert balance(client, seller) == "10.00"
        assert broken() == []

    def test_an_expired_order_is_released_once(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=3)
        body = order(client, buyer, product_id, quantity=3).json
        gateway.request("POST", f"/v1/checkout/sessions/{body['sessionId']}/expire")
        told = shop.wait_for(1)
        for one in told * 2:
            assert tell(client, one) == 200
        assert shown(client, buyer, body["order"]["id"])["status"] == "FAILED"
        assert units(client, product_id) == 3
        assert broken() == []

    def test_an_order_from_the_wallet_cannot_be_cancelled(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        buyer = factories.buyer()
        made = buy(client, buyer, factories.product(seller)).json
        answer = client.post(f"{ORDERS}/{made['id']}/cancel", headers=buyer.headers)
        assert refusal(answer) == (409, "ORDER_NOT_CANCELLABLE")


class TestRefunding:
    def bought(
        self, client: FlaskClient, shop: Shop, seller: Actor, buyer: Actor, card: str = ""
    ) -> str:
        body = order(client, buyer, factories.product(seller, price="10.00"), quantity=3).json
        Buyer().pay(body["checkoutUrl"], **({"number": card} if card else {}))
        tell(client, shop.wait_for(len(shop.received) or 1)[-1])
        order_id: str = body["order"]["id"]
        assert shown(client, buyer, order_id)["status"] == "COMPLETED"
        return order_id

    def test_a_refund_is_made_through_the_gateway(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        order_id = self.bought(client, shop, seller, buyer)

        made = refund(client, seller, order_id, amount="12.00").json

        assert (made["status"], made["destination"]) == ("PENDING", "GATEWAY")
        assert (balance(client, seller), balance(client, buyer)) == ("18.00", "1.00")
        refund_tasks.request_refund(UUID(made["id"]))
        refund_tasks.request_refund(UUID(made["id"]))
        (after,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=buyer.headers).json
        assert (after["status"], after["destination"]) == ("SUCCEEDED", "GATEWAY")
        assert refund(client, seller, order_id).json["amount"] == "18.00"
        assert shown(client, buyer, order_id)["status"] == "REFUNDED"
        assert balance(client, buyer) == "1.00"
        assert broken() == []

    def test_a_refund_that_fails_at_the_gateway_goes_to_the_wallet(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        order_id = self.bought(client, shop, seller, buyer, FAILING_REFUND_CARD)
        shop.received.clear()
        made = refund(client, seller, order_id, amount="12.00").json
        refund_tasks.request_refund(UUID(made["id"]))
        told = shop.wait_for(4)  # made, updated, failed
        for one in [*told, *told]:
            tell(client, one)
        (after,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=buyer.headers).json
        assert (after["status"], after["destination"]) == ("SUCCEEDED", "WALLET")
        assert after["failureReason"]
        assert (balance(client, seller), balance(client, buyer)) == ("18.00", "13.00")
        assert broken() == []

    def test_a_locked_wallet_is_credited_once_it_is_unlocked(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        shop: Shop,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        order_id = self.bought(client, shop, seller, buyer)
        made = refund(client, seller, order_id, amount="12.00").json
        failed = GatewayRefund("re_1", GatewayRefundStatus.FAILED, "expired_or_canceled_card")
        monkeypatch.setattr(client_of_gateway, "create_refund", lambda *_, **__: failed)
        for locked in (True, False):
            lock(buyer, locked=locked)
            refund_tasks.request_refund(UUID(made["id"]))
            (after,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=seller.headers).json
            assert after["status"] == ("PENDING" if locked else "SUCCEEDED")
        assert (balance(client, seller), balance(client, buyer)) == ("18.00", "13.00")
        assert broken() == []

    def test_due_refunds_are_found_by_an_index(self, app: Flask) -> None:
        with db.transaction() as session:
            asked: list[Any] = []
            connection = session.connection()
            listen(connection, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
            repository.lock_due_refunds(session, now=clock.now(), limit=10)
            statement, values = asked[0]
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars().all()
        assert any("ix_refunds_due" in line for line in plan)

    def test_after_a_lost_response_the_refund_is_retried_and_made_once(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        order_id = self.bought(client, shop, seller, buyer)
        made = refund(client, seller, order_id, amount="12.00").json
        gateway.set_behaviour(fault="lost-answer", times=1)
        refund_tasks.request_refund(UUID(made["id"]))
        (after,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=buyer.headers).json
        assert after["status"] == "PENDING"
        refund_tasks.request_refund(UUID(made["id"]))
        (after,) = client.get(f"{ORDERS}/{order_id}/refunds", headers=buyer.headers).json
        assert after["status"] == "SUCCEEDED"
        assert broken() == []
