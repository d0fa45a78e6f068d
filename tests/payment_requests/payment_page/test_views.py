"""The payment page, as HTML."""

import re
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.payment_requests.helpers import close_request, created_code, created_request
from tests.transfers.helpers import API, with_name


@pytest.fixture
def alice(client: FlaskClient) -> Actor:
    return with_name(client, factories.merchant(), "Alice", "Jones")


def page(client: FlaskClient, thing: dict[str, Any], *, status: int = 200) -> str:
    """The text of the page, without tags."""
    answer = client.get(f"/pay/{thing['token']}")
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    words = re.sub(r"<[^>]+>", " ", answer.text)
    return re.sub(r"\s+", " ", words)


class TestContent:
    def test_a_request_shows_requester_amount_and_expiry(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        words = page(client, created_request(client, alice, amount="12.50", note="Lunch"))

        assert "Payment request Alice J. “Lunch” $12.50 Open until" in words
        assert "Pay $12.50" in words
        assert "Decline" not in words

    def test_amounts_are_in_the_format_of_the_reader(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        request = created_request(client, alice, amount="9000.50")

        assert "$9,000.50" in page(client, request)
        path = f"/pay/{request['token']}"
        german = client.get(path, headers={"Accept-Language": "de-DE,de;q=0.9"}).text
        assert "9.000,50 $" in german.replace("\xa0", " ")

    def test_an_addressed_request_can_be_declined(self, client: FlaskClient, alice: Actor) -> None:
        words = page(client, created_request(client, alice, to=factories.actor(), amount="12.50"))

        assert "Only the person it is addressed to can pay." in words
        assert "Decline" in words

    def test_an_open_amount_has_an_input(self, client: FlaskClient, alice: Actor) -> None:
        for thing in (created_request(client, alice), created_code(client, alice)):
            words = page(client, thing)
            assert "You choose the amount" in words
            assert "Amount in USD" in words

    @pytest.mark.parametrize(
        ("end", "expected"),
        [("pay", "has been paid"), ("decline", "was declined"), ("cancel", "was cancelled")],
    )
    def test_a_closed_request_shows_its_status_and_no_form(
        self, client: FlaskClient, alice: Actor, end: str, expected: str
    ) -> None:
        bob = factories.buyer()
        request = created_request(client, alice, to=bob, amount="1.00")
        close_request(client, alice if end == "cancel" else bob, request, end)

        words = page(client, request)

        assert f"This request {expected}." in words
        assert "to pay" not in words

    def test_a_paid_request_says_when_and_leads_its_payer_to_the_receipt(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        bob = factories.buyer()
        request = created_request(client, alice, to=bob, amount="1.00")
        paid = close_request(client, bob, request, "pay").json

        words = page(client, request)

        day = f"{datetime.fromisoformat(paid['createdAt']):%B %-d, %Y}"
        assert f"This request has been paid. It was paid on {day}" in words
        assert "Sign in to see your receipt, if you have paid it" in words

    def test_a_code_for_a_product_shows_product_merchant_and_price(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        product_id = factories.product(alice, price="3.50", units=1, name="Espresso")
        code = created_code(client, alice, productId=str(product_id), label="Counter")

        assert "Counter Espresso sold by Alice J. $3.50 each" in page(client, code)
        client.post(f"{API}/merchant-codes/{code['token']}/pay", headers=factories.buyer().headers)
        assert "This product is sold out." in page(client, code)
        client.delete(f"{API}/products/{product_id}", headers=alice.headers)
        assert "This product is no longer on sale." in page(client, code)

    def test_a_code_for_an_amount_shows_it(self, client: FlaskClient, alice: Actor) -> None:
        assert "Counter Alice J. $3.50" in page(
            client, created_code(client, alice, amount="3.50", label="Counter")
        )

    def test_an_invalid_link_is_explained(self, client: FlaskClient, alice: Actor) -> None:
        code = created_code(client, alice)
        client.post(f"{API}/merchant-codes/{code['id']}/deactivate", headers=alice.headers)

        for thing in (code, {"token": "A" * 22}, {"token": "%00"}):
            assert "Invalid payment link" in page(client, thing, status=404)

    def test_user_input_is_escaped(self, client: FlaskClient, alice: Actor) -> None:
        with_name(client, alice, '"><script>x', "<b>")
        token = created_request(client, alice, note="</p><script>alert(1)</script>")["token"]
        text = client.get(f"/pay/{token}").text

        assert "<script>x" not in text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


class TestSecurity:
    def test_the_page_loads_only_its_own_assets(self, client: FlaskClient, alice: Actor) -> None:
        answer = client.get(f"/pay/{created_request(client, alice)['token']}")
        references = set(re.findall(r'(?:src|href)="([^"]+)"', answer.text))

        assert references == {
            "/pay/assets/icon.svg",
            "/pay/assets/base.css",
            "/pay/assets/hosted.css",
            "/pay/assets/pay.js",
        }
        for reference in references:
            with client.get(reference) as asset:
                assert (reference, asset.status_code) == (reference, 200)

    def test_the_content_security_policy_allows_only_own_scripts(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        answer = client.get(f"/pay/{created_request(client, alice)['token']}")

        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "style=" not in answer.text
        assert not re.search(r"<script(?! src=)", answer.text)

    def test_the_page_reveals_neither_emails_nor_ids_nor_the_payer(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        bob = with_name(client, factories.actor(), "Bob", "Stone")
        text = client.get(f"/pay/{created_request(client, alice, to=bob)['token']}").text

        for secret in (alice.email, str(alice.id), "Jones", bob.email, str(bob.id), "Bob"):
            assert secret not in text

    @pytest.mark.parametrize("name", ["../views.py", "%2e%2e/views.py", "nothing.js", "page.html"])
    def test_only_assets_are_served_as_assets(self, client: FlaskClient, name: str) -> None:
        assert client.get(f"/pay/assets/{name}").status_code == 404
