"""The payment page."""

import time
from pathlib import Path

import pytest

from tests.live import wait_until
from tests.sandbox.stripe.test_api import create_session
from tests.simulators import call
from tests.stripe import DECLINED_CARD, POOR_CARD, Buyer, SandboxGateway, Shop


class TestPaying:
    def test_the_page_shows_product_amount_and_test_cards(
        self, gateway: SandboxGateway, buyer: Buyer
    ) -> None:
        session = create_session(gateway, customer_email="ada@example.com")
        page = buyer.open(session["url"])

        assert page.status == 200
        for text in (
            "$50.00",
            "Payment Flow",
            "Field Guide",
            "2, $25.00 each",
            "ada@example.com",
            "https://shop.example.com/cart",
            "4242 4242 4242 4242",
        ):
            assert text in page.text, text
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        for path in ("sandbox.css", "pay.js"):
            assert call("GET", f"{gateway.url}/sandbox/{path}").status == 200

    def test_paying_redirects_to_the_merchant(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        session = create_session(gateway)
        answer = buyer.pay(session["url"])

        assert answer.status == 303
        success_url = f"https://shop.example.com/thanks?session={session['id']}"
        assert answer.headers["Location"] == success_url
        again = buyer.open(session["url"])
        assert (again.status, "Payment made" in again.text) == (200, True)
        assert success_url in again.text
        found = gateway.request("GET", f"/v1/checkout/sessions/{session['id']}").json
        assert (found["status"], found["payment_status"]) == ("complete", "paid")
        assert found["payment_intent"].startswith("pi_")

    @pytest.mark.parametrize(
        ("card", "message"),
        [(DECLINED_CARD, "Your card was declined."), (POOR_CARD, "insufficient funds")],
    )
    def test_after_a_declined_card_another_can_be_used(
        self, gateway: SandboxGateway, buyer: Buyer, card: str, message: str
    ) -> None:
        session = create_session(gateway)
        answer = buyer.pay(session["url"], card)

        assert (answer.status, message in answer.text) == (402, True)
        found = gateway.request("GET", f"/v1/checkout/sessions/{session['id']}").json
        assert (found["status"], found["payment_status"]) == ("open", "unpaid")
        assert buyer.pay(session["url"]).status == 303
        after = gateway.request("GET", f"/v1/checkout/sessions/{session['id']}").json
        assert after["payment_intent"] == found["payment_intent"]

    @pytest.mark.parametrize("number", ["", "4242", "4242 4242 4242 4241", "card", "\uff14" * 16])
    def test_an_invalid_card_number_is_refused_without_a_webhook(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop, number: str
    ) -> None:
        answer = buyer.pay(create_session(gateway)["url"], number)
        assert answer.status == 400
        assert "Your card number is invalid." in answer.text
        assert shop.wait_for(0) == []

    def test_any_other_card_is_declined(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        answer = buyer.pay(create_session(gateway)["url"], "5555 5555 5555 4444")
        assert (answer.status, "Only test cards work here." in answer.text) == (402, True)

    def test_a_session_is_paid_once(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop
    ) -> None:
        url = create_session(gateway)["url"]
        page = buyer.open(url)
        first = buyer.send(url, page, number="4242424242424242")
        second = buyer.send(url, page, number="4242424242424242")
        assert (first.status, second.status) == (303, 200)
        assert "Payment made" in second.text
        shop.wait_for(1)
        assert "$50.00" in buyer.open(gateway.url).text

    def test_a_form_of_another_visitor_is_refused(
        self, gateway: SandboxGateway, buyer: Buyer
    ) -> None:
        url = create_session(gateway)["url"]
        page = buyer.open(url)
        assert Buyer().send(url, page, number="4242424242424242").status == 403

    def test_an_unknown_session_is_not_found(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        answer = buyer.open(f"{gateway.url}/c/pay/cs_test_x")
        assert (answer.status, "not valid" in answer.text) == (404, True)


class TestExpiry:
    def test_a_session_expires(self, gateway: SandboxGateway, buyer: Buyer, shop: Shop) -> None:
        session = create_session(gateway, expires_at=int(time.time()) + 1)
        page = buyer.open(session["url"])
        wait_until(lambda: buyer.open(session["url"]).status == 410)

        late = buyer.send(session["url"], page, number="4242424242424242")
        assert (late.status, "expired" in late.text) == (410, True)
        (webhook,) = shop.wait_for(1)
        assert webhook.kind == "checkout.session.expired"
        assert webhook.object["id"] == session["id"]

    def test_the_merchant_can_expire_a_session(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop
    ) -> None:
        session = create_session(gateway)
        gateway.request("POST", f"/v1/checkout/sessions/{session['id']}/expire", {})
        answer = buyer.open(session["url"])
        assert (answer.status, "https://shop.example.com/cart" in answer.text) == (410, True)
        (webhook,) = shop.wait_for(1)
        assert (webhook.kind, webhook.object["status"]) == ("checkout.session.expired", "expired")

    def test_a_paid_session_cannot_be_expired(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        session = create_session(gateway)
        buyer.pay(session["url"])
        answer = gateway.request("POST", f"/v1/checkout/sessions/{session['id']}/expire", {})
        assert answer.status == 400
        assert "status of complete" in answer.json["error"]["message"]


class TestOverview:
    def test_the_overview_sets_the_behaviour(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        page = buyer.open(f"{gateway.url}/")
        where = f"{gateway.url}/behaviour"
        answer = buyer.send(where, page, mode="silent", fault="stumble")

        assert answer.status == 303
        assert gateway.request("GET", "/v1/refunds/re_x").status == 500
        assert Buyer().send(where, page, mode="normal", fault="none").status == 403
        assert buyer.send(where, page, mode="normal", fault="x").status == 400

    def test_the_behaviour_persists_across_restarts(self, shop: Shop, tmp_path: Path) -> None:
        with SandboxGateway.open(shop.url, tmp_path) as gateway:
            gateway.set_behaviour(mode="duplicate")
        with SandboxGateway.open(shop.url, tmp_path) as gateway:
            assert gateway.set_behaviour(fault="none").json == {
                "mode": "duplicate",
                "fault": "none",
            }
