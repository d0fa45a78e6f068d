"""The page behind a link."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.payment_requests.helpers import asked, coded, turn
from tests.transfers.helpers import API, named


@pytest.fixture
def alice(client: FlaskClient) -> Actor:
    return named(client, factories.merchant(), "Alice", "Jones")


def page(client: FlaskClient, thing: dict[str, Any], *, status: int = 200) -> str:
    """What a person reads: the words, without the tags."""
    answer = client.get(f"/pay/{thing['token']}")
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    words = re.sub(r"<[^>]+>", " ", answer.text)
    return re.sub(r"\s+", " ", words)


class TestWords:
    def test_a_request_says_who_asks_for_how_much_until_when(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        words = page(client, asked(client, alice, amount="12.50", note="Lunch"))

        assert "Payment request Alice J. “Lunch” $12.50 Open until" in words
        assert "Pay $12.50" in words
        assert "Decline" not in words

    def test_an_addressed_one_can_be_declined(self, client: FlaskClient, alice: Actor) -> None:
        words = page(client, asked(client, alice, of=factories.actor(), amount="12.50"))

        assert "Only the person it is addressed to can pay." in words
        assert "Decline" in words

    def test_an_open_amount_is_asked_for(self, client: FlaskClient, alice: Actor) -> None:
        for thing in (asked(client, alice), coded(client, alice)):
            words = page(client, thing)
            assert "You choose the amount" in words
            assert "Amount in USD" in words

    @pytest.mark.parametrize(
        ("end", "said"),
        [("pay", "has been paid"), ("decline", "was declined"), ("cancel", "was cancelled")],
    )
    def test_a_closed_one_says_so_and_asks_for_nothing(
        self, client: FlaskClient, alice: Actor, end: str, said: str
    ) -> None:
        bob = factories.buyer()
        request = asked(client, alice, of=bob, amount="1.00")
        turn(client, alice if end == "cancel" else bob, request, end)

        words = page(client, request)

        assert f"This request {said}." in words
        assert "Sign in" not in words

    def test_a_code_for_a_product_says_what_is_sold_by_whom(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        product_id = factories.product(alice, price="3.50", units=1, name="Espresso")
        code = coded(client, alice, productId=str(product_id), label="Counter")

        assert "Counter Espresso sold by Alice Jones $3.50 each" in page(client, code)
        client.post(f"{API}/merchant-codes/{code['token']}/pay", headers=factories.buyer().headers)
        assert "This product is sold out." in page(client, code)
        client.delete(f"{API}/products/{product_id}", headers=alice.headers)
        assert "This product is no longer on sale." in page(client, code)

    def test_a_code_for_an_amount_says_how_much(self, client: FlaskClient, alice: Actor) -> None:
        assert "Counter Alice Jones $3.50" in page(
            client, coded(client, alice, amount="3.50", label="Counter")
        )

    def test_a_link_to_nothing_is_explained(self, client: FlaskClient, alice: Actor) -> None:
        code = coded(client, alice)
        client.post(f"{API}/merchant-codes/{code['id']}/deactivate", headers=alice.headers)

        for thing in (code, {"token": "A" * 22}, {"token": "%00"}):
            assert "There is nothing to pay here" in page(client, thing, status=404)

    def test_words_of_strangers_are_never_markup(self, client: FlaskClient, alice: Actor) -> None:
        named(client, alice, '"><script>x', "<b>")
        token = asked(client, alice, note="</p><script>alert(1)</script>")["token"]
        text = client.get(f"/pay/{token}").text

        assert "<script>x" not in text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


class TestSafety:
    def test_it_needs_nothing_from_anybody_else(self, client: FlaskClient, alice: Actor) -> None:
        answer = client.get(f"/pay/{asked(client, alice)['token']}")
        references = set(re.findall(r'(?:src|href)="([^"]+)"', answer.text))

        assert references == {"/pay/assets/icon.svg", "/pay/assets/pay.css", "/pay/assets/pay.js"}
        for reference in references:
            with client.get(reference) as asset:
                assert (reference, asset.status_code) == (reference, 200)

    def test_its_policy_lets_only_this_server_s_files_run(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        answer = client.get(f"/pay/{asked(client, alice)['token']}")

        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "style=" not in answer.text
        assert not re.search(r"<script(?! src=)", answer.text)

    def test_it_tells_nothing_that_the_link_does_not(
        self, client: FlaskClient, alice: Actor
    ) -> None:
        bob = named(client, factories.actor(), "Bob", "Stone")
        text = client.get(f"/pay/{asked(client, alice, of=bob)['token']}").text

        for secret in (alice.email, str(alice.id), "Jones", bob.email, str(bob.id), "Bob"):
            assert secret not in text

    @pytest.mark.parametrize("name", ["../views.py", "%2e%2e/views.py", "nothing.js", "slip.html"])
    def test_nothing_but_assets_is_served_as_one(self, client: FlaskClient, name: str) -> None:
        assert client.get(f"/pay/assets/{name}").status_code == 404
