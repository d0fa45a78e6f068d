"""The receipt of a transfer: what it shows, to whom, and until when."""

import re
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.transfers.receipts.links import LINKS
from tests import factories
from tests.factories import Actor
from tests.orders.order_page.helpers import words
from tests.payment_requests.helpers import close_request, created_code, created_request, pay_code
from tests.responses import refusal
from tests.shops.helpers import with_shop
from tests.transfers.helpers import API


@pytest.fixture
def shop(client: FlaskClient) -> Actor:
    return with_shop(
        client, factories.merchant(), name="Corner Bakery", supportEmail="help@bakery.example.com"
    )


def receipt_path(client: FlaskClient, payer: Actor, transfer: dict[str, Any]) -> str:
    answer = client.get(f"{API}/transfers/{transfer['id']}/receipt", headers=payer.headers)
    assert answer.status_code == 200, answer.text
    found = re.fullmatch(r"http://localhost:3000(/receipts/[\w-]{48})", answer.json["url"])
    assert found
    return found[1]


def test_a_payment_with_a_code_has_a_receipt(client: FlaskClient, shop: Actor) -> None:
    payer = factories.buyer("500.00")
    paid = pay_code(client, payer, created_code(client, shop, amount="234.50", label="Till 1")).json

    shown = words(client, receipt_path(client, payer, paid))

    assert "Payment with a code Paid to Corner Bakery “Till 1” $234.50 Paid " in shown
    assert f"Reference {paid['id']}" in shown
    assert "Questions help@bakery.example.com" in shown
    assert payer.email not in shown


def test_a_paid_request_has_a_receipt(client: FlaskClient, shop: Actor) -> None:
    payer = factories.buyer()
    request = created_request(client, shop, amount="12.50", note="Lunch")
    paid = close_request(client, payer, request, "pay").json

    shown = words(client, receipt_path(client, payer, paid))

    assert "Payment of a request Paid to Corner Bakery “Lunch” $12.50" in shown


def test_only_the_payer_gets_and_revokes_the_address(client: FlaskClient, shop: Actor) -> None:
    payer = factories.buyer()
    paid = pay_code(client, payer, created_code(client, shop, amount="1.00")).json
    url = f"{API}/transfers/{paid['id']}/receipt"
    for other in (shop, factories.actor()):
        assert refusal(client.get(url, headers=other.headers)) == (404, "TRANSFER_NOT_FOUND")
        answer = client.post(f"{url}/revoke", headers=other.headers)
        assert refusal(answer) == (404, "TRANSFER_NOT_FOUND")
    first = receipt_path(client, payer, paid)

    answer = client.post(f"{url}/revoke", headers=payer.headers)

    last = receipt_path(client, payer, paid)
    assert answer.json["url"] == f"http://localhost:3000{last}"
    assert "revoked" in words(client, first, status=404)
    assert "Paid to Corner Bakery" in words(client, last)


def test_a_forged_address_is_refused(client: FlaskClient, shop: Actor) -> None:
    payer = factories.buyer()
    paid = pay_code(client, payer, created_code(client, shop, amount="1.00")).json
    token = receipt_path(client, payer, paid).rpartition("/")[2]
    later = LINKS.sign(UUID(paid["id"]), serial=1)
    for forged in ("A" * 48, token[:-1] + ("A" if token[-1] != "A" else "B"), later, paid["id"]):
        assert client.get(f"/receipts/{forged}").status_code == 404
