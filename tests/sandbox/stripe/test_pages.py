"""The page to pay on."""

import time
from pathlib import Path

import pytest

from tests.bank import call
from tests.live import wait_until
from tests.sandbox.stripe.test_api import opened
from tests.stripe import DECLINED_CARD, POOR_CARD, Buyer, SandboxGateway, Shop


class TestPaying:
    def test_the_page_says_what_is_paid_for(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        session = opened(gateway, customer_email="ada@example.com")
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

    def test_who_has_paid_is_sent_on(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        session = opened(gateway)
        answer = buyer.pay(session["url"])

        assert answer.status == 303
        place = f"https://shop.example.com/thanks?session={session['id']}"
        assert answer.headers["Location"] == place
        again = buyer.open(session["url"])
        assert (again.status, "Payment made" in again.text) == (200, True)
        assert place in again.text
        found = gateway.ask("GET", f"/v1/checkout/sessions/{session['id']}").json
        assert (found["status"], found["payment_status"]) == ("complete", "paid")
        assert found["payment_intent"].startswith("pi_")

    @pytest.mark.parametrize(
        ("card", "told"),
        [(DECLINED_CARD, "Your card was declined."), (POOR_CARD, "insufficient funds")],
    )
    def test_a_declined_card_leaves_it_open_for_another(
        self, gateway: SandboxGateway, buyer: Buyer, card: str, told: str
    ) -> None:
        session = opened(gateway)
        answer = buyer.pay(session["url"], card)

        assert (answer.status, told in answer.text) == (402, True)
        found = gateway.ask("GET", f"/v1/checkout/sessions/{session['id']}").json
        assert (found["status"], found["payment_status"]) == ("open", "unpaid")
        assert buyer.pay(session["url"]).status == 303
        after = gateway.ask("GET", f"/v1/checkout/sessions/{session['id']}").json
        assert after["payment_intent"] == found["payment_intent"]

    @pytest.mark.parametrize("number", ["", "4242", "4242 4242 4242 4241", "card", "\uff14" * 16])
    def test_what_is_no_card_number_is_said_and_told_to_nobody(
        self, gateway: SandboxGateway, buyer: Buyer, shop: Shop, number: str
    ) -> None:
        answer = buyer.pay(opened(gateway)["url"], number)
        assert answer.status == 400
        assert "Your card number is invalid." in answer.text
        assert shop.wait_for(0) == []

    def test_any_other_card_is_declined(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        answer = buyer.pay(opened(gateway)["url"], "5555 5555 5555 4444")
        assert (answer.status, "Only test cards work here." in answer.text) == (402, True)

    def test_nobody_pays_twice(self, gateway: SandboxGateway, buyer: Buyer, shop: Shop) -> None:
        url = opened(gateway)["url"]
        page = buyer.open(url)
        first = buyer.send(url, page, number="4242424242424242")
        second = buyer.send(url, page, number="4242424242424242")
        assert (first.status, second.status) == (303, 200)
        assert "Payment made" in second.text
        shop.wait_for(1)
        assert "$50.00" in buyer.open(gateway.url).text

    def test_another_site_cannot_pay(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        url = opened(gateway)["url"]
        page = buyer.open(url)
        assert Buyer().send(url, page, number="4242424242424242").status == 403

    def test_an_unknown_session_is_said(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        answer = buyer.open(f"{gateway.url}/c/pay/cs_test_x")
        assert (answer.status, "not valid" in answer.text) == (404, True)


class TestExpiry:
    def test_its_time_ends(self, gateway: SandboxGateway, buyer: Buyer, shop: Shop) -> None:
        session = opened(gateway, expires_at=int(time.time()) + 1)
        page = buyer.open(session["url"])
        wait_until(lambda: buyer.open(session["url"]).status == 410)

        late = buyer.send(session["url"], page, number="4242424242424242")
        assert (late.status, "expired" in late.text) == (410, True)
        (webhook,) = shop.wait_for(1)
        assert webhook.kind == "checkout.session.expired"
        assert webhook.object["id"] == session["id"]

    def test_the_merchant_ends_it(self, gateway: SandboxGateway, buyer: Buyer, shop: Shop) -> None:
        session = opened(gateway)
        gateway.ask("POST", f"/v1/checkout/sessions/{session['id']}/expire", {})
        answer = buyer.open(session["url"])
        assert (answer.status, "https://shop.example.com/cart" in answer.text) == (410, True)
        (webhook,) = shop.wait_for(1)
        assert (webhook.kind, webhook.object["status"]) == ("checkout.session.expired", "expired")

    def test_what_was_paid_cannot_be_ended(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        session = opened(gateway)
        buyer.pay(session["url"])
        answer = gateway.ask("POST", f"/v1/checkout/sessions/{session['id']}/expire", {})
        assert answer.status == 400
        assert "status of complete" in answer.json["error"]["message"]


class TestTheOverview:
    def test_behaviour_is_set_there(self, gateway: SandboxGateway, buyer: Buyer) -> None:
        page = buyer.open(f"{gateway.url}/")
        where = f"{gateway.url}/behaviour"
        answer = buyer.send(where, page, mode="silent", fault="stumble")

        assert answer.status == 303
        assert gateway.ask("GET", "/v1/refunds/re_x").status == 500
        assert Buyer().send(where, page, mode="normal", fault="none").status == 403
        assert buyer.send(where, page, mode="normal", fault="x").status == 400

    def test_it_is_kept_over_a_restart(self, shop: Shop, tmp_path: Path) -> None:
        with SandboxGateway.open(shop.url, tmp_path) as gateway:
            gateway.behave(mode="duplicate")
        with SandboxGateway.open(shop.url, tmp_path) as gateway:
            assert gateway.behave(fault="none").json == {"mode": "duplicate", "fault": "none"}
