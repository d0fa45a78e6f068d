"""Webhooks of the gateway: Stripe's signature and format, and every mode."""

from typing import Any

import pytest
import stripe

from tests.sandbox.stripe.test_api import create_session, paid
from tests.stripe import (
    DECLINED_CARD,
    FAILING_REFUND_CARD,
    SLOW_REFUND_CARD,
    Buyer,
    SandboxGateway,
    Shop,
)


def test_a_payment_is_reported_in_stripes_format(
    gateway: SandboxGateway, buyer: Buyer, shop: Shop
) -> None:
    session = create_session(gateway)
    buyer.pay(session["url"])

    (webhook,) = shop.wait_for(1)
    assert webhook.genuine
    event = stripe.Event.construct_from(webhook.body, None)
    assert (event.object, event.type) == ("event", "checkout.session.completed")
    assert event.id.startswith("evt_")
    assert event.livemode is False
    assert webhook.object["id"] == session["id"]
    assert webhook.object["payment_status"] == "paid"
    assert webhook.object["client_reference_id"] == "order-1"
    assert webhook.object["metadata"] == {"order_id": "order-1"}
    assert webhook.object["amount_total"] == 5000
    assert webhook.object["payment_intent"].startswith("pi_")


def test_a_declined_card_is_reported(gateway: SandboxGateway, buyer: Buyer, shop: Shop) -> None:
    buyer.pay(create_session(gateway)["url"], DECLINED_CARD)

    (webhook,) = shop.wait_for(1)
    assert webhook.kind == "payment_intent.payment_failed"
    assert webhook.object["metadata"] == {"order_id": "order-1"}
    assert webhook.object["last_payment_error"]["decline_code"] == "generic_decline"


def refund(gateway: SandboxGateway, intent: str, **fields: Any) -> dict[str, Any]:
    params = {"payment_intent": intent, "metadata[refund_id]": "r-1", **fields}
    answer = gateway.request("POST", "/v1/refunds", params)
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


class TestRefunds:
    """After the webhook of the payment itself."""

    def reported(self, shop: Shop, count: int) -> list[tuple[str, str]]:
        return sorted((one.kind, one.object["status"]) for one in shop.wait_for(1 + count)[1:])

    def test_a_refund_sends_two_webhooks(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop
    ) -> None:
        intent = paid(gateway, buyer)
        shop.wait_for(1)
        assert refund(gateway, intent, amount=1000)["status"] == "succeeded"
        assert self.reported(shop, 2) == [
            ("charge.refunded", "succeeded"),
            ("refund.created", "succeeded"),
        ]
        (charge,) = (one.object for one in shop.received if one.kind == "charge.refunded")
        assert (charge["amount_refunded"], charge["refunded"]) == (1000, False)

    def test_a_pending_refund_succeeds_later(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop
    ) -> None:
        intent = paid(gateway, buyer, SLOW_REFUND_CARD)
        shop.wait_for(1)
        made = refund(gateway, intent)
        assert made["status"] == "pending"
        assert ("refund.updated", "succeeded") in self.reported(shop, 3)
        assert gateway.request("GET", f"/v1/refunds/{made['id']}").json["status"] == "succeeded"

    def test_a_failed_refund_returns_the_money_to_the_merchant(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop
    ) -> None:
        intent = paid(gateway, buyer, FAILING_REFUND_CARD)
        shop.wait_for(1)
        made = refund(gateway, intent)
        assert made["status"] == "succeeded"
        assert {("refund.failed", "failed"), ("refund.updated", "failed")} <= set(
            self.reported(shop, 4)
        )
        found = gateway.request("GET", f"/v1/refunds/{made['id']}").json
        assert (found["status"], found["failure_reason"]) == ("failed", "expired_or_canceled_card")
        assert refund(gateway, intent)["amount"] == 5000


class TestModes:
    """Selected on the page, for one payment."""

    def test_duplicate_arrives_three_times(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop
    ) -> None:
        buyer.pay(create_session(gateway)["url"], mode="duplicate")
        copies = shop.wait_for(3)
        assert len({copy.raw for copy in copies}) == 1
        assert all(copy.genuine for copy in copies)

    def test_slow_arrives_late(self, gateway: SandboxGateway, buyer: Buyer, shop: Shop) -> None:
        buyer.pay(create_session(gateway)["url"], mode="slow")
        buyer.pay(create_session(gateway, client_reference_id="order-2")["url"])
        arrived = [one.object["client_reference_id"] for one in shop.wait_for(2)]
        assert arrived == ["order-2", "order-1"]

    def test_reordered_arrive_last_first(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop
    ) -> None:
        for order in ("order-1", "order-2", "order-3"):
            buyer.pay(create_session(gateway, client_reference_id=order)["url"], mode="reordered")
        arrived = [one.object["client_reference_id"] for one in shop.wait_for(3)]
        assert arrived == ["order-3", "order-2", "order-1"]

    def test_forged_arrives_before_the_genuine_one_and_is_not_repeated(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop
    ) -> None:
        buyer.pay(create_session(gateway)["url"], mode="forged")
        forged, genuine = shop.wait_for(2)
        assert (forged.genuine, genuine.genuine) == (False, True)
        assert forged.body["id"] == genuine.body["id"]
        assert (forged.object["amount_total"], genuine.object["amount_total"]) == (50_000, 5000)

    def test_wrong_amount_is_correctly_signed(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop
    ) -> None:
        buyer.pay(create_session(gateway)["url"], mode="wrong-amount")
        (webhook,) = shop.wait_for(1)
        assert (webhook.genuine, webhook.object["amount_total"]) == (True, 50_000)

    def test_silent_sends_nothing_and_the_session_is_correct(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop
    ) -> None:
        session = create_session(gateway)
        buyer.pay(session["url"], mode="silent")
        assert shop.wait_for(0) == []
        found = gateway.request("GET", f"/v1/checkout/sessions/{session['id']}").json
        assert found["payment_status"] == "paid"


def test_a_webhook_is_retried_with_a_new_signature_until_it_is_acknowledged(
    gateway: SandboxGateway, buyer: Buyer, shop: Shop
) -> None:
    shop.answers = [500, 404]
    buyer.pay(create_session(gateway)["url"])
    first, second, third = shop.wait_for(3)
    assert first.raw == second.raw == third.raw
    assert all(one.genuine for one in (first, second, third))
    assert len({one.header for one in (first, second, third)}) > 1
    assert second.at - first.at > 0.2


@pytest.mark.parametrize("mode", ["duplicate", "silent"])
def test_the_mode_of_the_gateway_applies_unless_another_is_selected(
    gateway: SandboxGateway, buyer: Buyer, shop: Shop, mode: str
) -> None:
    assert gateway.set_behaviour(mode=mode).json["mode"] == mode
    intent = paid(gateway, buyer)
    shop.wait_for(3 if mode == "duplicate" else 0)
    refund(gateway, intent)
    shop.wait_for(9 if mode == "duplicate" else 0)
