"""Orders paid at the gateway: reserved, then completed once or released."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.gateway import client as client_of_gateway
from app.ledger_lock.service import ledger_transaction
from app.orders.checkouts import client as pages
from app.orders.checkouts import service as checkouts
from app.orders.checkouts import tasks
from app.orders.checkouts.service import PayableOrder
from tests import factories
from tests.concurrency import broken_invariants
from tests.coupons.helpers import create_coupon, uses
from tests.factories import Actor
from tests.gateway.orders import create_order, deliver_and_handle, make_due
from tests.orders.helpers import ORDERS, balance, units
from tests.orders.refunds.helpers import shown
from tests.responses import created, refusal
from tests.stripe import (
    DECLINED_CARD,
    Buyer,
    SandboxGateway,
    Shop,
)


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

        answer = create_order(client, buyer, product_id, quantity=2)

        body = created(answer)
        assert list(body) == ["object", "order", "checkoutUrl", "sessionId"]
        made = body["order"]
        assert (made["status"], made["paymentMethod"], made["amount"], made["completedAt"]) == (
            "PENDING",
            "GATEWAY",
            "50.00",
            None,
        )
        assert made["stripeSessionId"] == body["sessionId"]
        assert units(client, product_id) == 3
        assert broken_invariants() == []

        assert Buyer().pay(body["checkoutUrl"]).status == 303
        webhooks = shop.wait_for(1)
        assert [deliver_and_handle(client, one) for one in webhooks * 3] == [200] * 3

        paid = shown(client, buyer, made["id"])
        assert (paid["status"], paid["stripeSessionId"]) == ("COMPLETED", body["sessionId"])
        assert paid["stripePaymentIntentId"].startswith("pi_")
        assert (balance(client, buyer), balance(client, seller)) == ("1.00", "45.00")
        assert units(client, product_id) == 3
        assert broken_invariants() == []

    def test_after_a_declined_card_another_can_pay(
        self, client: FlaskClient, gateway: SandboxGateway, shop: Shop, seller: Actor, buyer: Actor
    ) -> None:
        body = create_order(client, buyer, factories.product(seller)).json
        person = Buyer()
        person.pay(body["checkoutUrl"], DECLINED_CARD)
        (failed,) = shop.wait_for(1)
        assert deliver_and_handle(client, failed) == 200
        after = shown(client, buyer, body["order"]["id"])
        assert (after["status"], after["failureReason"]) != ("PENDING", None)
        person.pay(body["checkoutUrl"])
        deliver_and_handle(client, shop.wait_for(2)[1])
        after = shown(client, buyer, body["order"]["id"])
        assert (after["status"], after["failureReason"]) == ("COMPLETED", None)
        deliver_and_handle(client, failed)  # repeated, after the payment
        assert shown(client, buyer, body["order"]["id"])["status"] == "COMPLETED"
        assert broken_invariants() == []

    def test_the_same_key_returns_the_same_checkout(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=5)
        first = create_order(client, buyer, product_id, key="g-1")
        again = create_order(client, buyer, product_id, key="g-1")
        assert (again.text, again.headers["Idempotent-Replayed"]) == (first.text, "true")
        other = create_order(client, buyer, product_id, key="g-1", quantity=2)
        assert refusal(other) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert units(client, product_id) == 4

    def test_a_refused_purchase_calls_no_gateway_and_is_remembered(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=1)
        for _ in range(2):
            answer = create_order(client, buyer, product_id, quantity=2, key="g-2")
            assert (answer.status_code, answer.json["error"]) == (400, "PRODUCT_OUT_OF_STOCK")
        assert refusal(create_order(client, seller, product_id)) == (400, "CANNOT_BUY_OWN_PRODUCT")
        create_coupon(client, seller, code="GIFT", value="100")
        answer = create_order(client, buyer, product_id, couponCode="GIFT")
        assert refusal(answer) == (400, "NOTHING_TO_PAY")
        assert units(client, product_id) == 1

    def test_a_total_above_the_maximum_amount_is_refused_even_with_a_coupon(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, price="92233720368547758.07")
        create_coupon(client, seller, code="MOST", value="60")
        answer = create_order(client, buyer, product_id, quantity=2, couponCode="MOST")
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert units(client, product_id) == 5

    def test_a_buyer_has_a_maximum_number_of_open_checkouts(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=50)
        made = [create_order(client, buyer, product_id).json for _ in range(10)]
        assert refusal(create_order(client, buyer, product_id)) == (409, "TOO_MANY_CHECKOUTS")
        assert units(client, product_id) == 40
        path = f"{ORDERS}/{made[0]['order']['id']}/cancel"
        assert client.post(path, headers=buyer.headers).status_code == 200
        assert create_order(client, buyer, product_id).status_code == 201


class TestUnavailability:
    def test_after_a_timeout_the_order_is_pending_and_the_same_key_continues(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=5)
        gateway.set_behaviour(fault="lost-answer", times=1)
        assert refusal(create_order(client, buyer, product_id, key="g-3")) == (
            503,
            "GATEWAY_UNAVAILABLE",
        )
        assert units(client, product_id) == 4
        (pending,) = client.get(ORDERS, headers=buyer.headers).json["data"]
        assert (pending["status"], pending["stripeSessionId"]) == ("PENDING", None)

        body = create_order(client, buyer, product_id, key="g-3").json

        assert body["order"]["id"] == pending["id"]
        assert body["checkoutUrl"].startswith(gateway.url)
        assert units(client, product_id) == 4
        assert broken_invariants() == []

    def test_another_request_with_its_key_does_not_prevent_continuing(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=5)
        gateway.set_behaviour(fault="lost-answer", times=1)
        create_order(client, buyer, product_id, key="g-4")
        answer = create_order(client, buyer, product_id, key="g-4", quantity=2)
        assert refusal(answer) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert broken_invariants() == []

        assert create_order(client, buyer, product_id, key="g-4").status_code == 201
        assert units(client, product_id) == 4
        assert broken_invariants() == []

    def test_an_order_that_ended_while_its_session_was_created_is_not_created(
        self,
        client: FlaskClient,
        gateway: SandboxGateway,
        monkeypatch: pytest.MonkeyPatch,
        seller: Actor,
        buyer: Actor,
    ) -> None:
        open_checkout = pages.open_checkout

        def open_then_expire(found: PayableOrder) -> Any:
            page = open_checkout(found)
            state = client_of_gateway.expire_checkout_session(page.session_id)
            ledger_transaction(partial(checkouts.apply_state, order_id=found.order.id, state=state))
            return page

        monkeypatch.setattr(pages, "open_checkout", open_then_expire)
        answer = create_order(client, buyer, factories.product(seller))
        assert refusal(answer) == (409, "CHECKOUT_ENDED")

    def test_a_refused_request_does_not_end_an_order_that_has_a_session(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        order_id = create_order(client, buyer, factories.product(seller)).json["order"]["id"]
        ledger_transaction(
            partial(checkouts.fail_unpayable, order_id=UUID(order_id), reason="idempotency_error")
        )
        assert shown(client, buyer, order_id)["status"] == "PENDING"
        assert broken_invariants() == []

    def test_a_sweep_releases_abandoned_orders(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=5)
        coupon = create_coupon(client, seller, maxUses=1).json
        gateway.set_behaviour(fault="lost-answer", times=1)
        create_order(client, buyer, product_id, couponCode="SPRING")
        (pending,) = client.get(ORDERS, headers=buyer.headers).json["data"]

        tasks.close_checkout(UUID(pending["id"]))

        failed = shown(client, buyer, pending["id"])
        assert (failed["status"], failed["failureReason"]) == ("FAILED", "The checkout expired")
        assert units(client, product_id) == 5
        assert uses(client, seller, coupon["id"]) == 0
        assert broken_invariants() == []

    def test_the_sweep_enqueues_only_due_checkouts(
        self, client: FlaskClient, gateway: SandboxGateway, seller: Actor, buyer: Actor
    ) -> None:
        product_id = factories.product(seller, units=5)
        first, _ = (create_order(client, buyer, product_id).json for _ in range(2))
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
        assert refusal(create_order(client, buyer, product_id)) == (400, "GATEWAY_NOT_CONFIGURED")
