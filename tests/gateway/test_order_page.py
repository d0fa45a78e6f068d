"""Where buyers return after paying by card."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common import clock
from tests import factories
from tests.gateway.orders import create_order
from tests.orders.helpers import ORDERS
from tests.orders.order_page.helpers import page_path, words
from tests.payment_requests.helpers import CODES, created_code


class TestByCard:
    def test_the_buyer_returns_to_the_page_and_sees_what_became_of_it(
        self, client: FlaskClient, gateway: Any
    ) -> None:
        buyer = factories.buyer()
        product_id = factories.product(factories.merchant(), price="10.00", units=5)
        ordered = create_order(client, buyer, product_id).json
        assert "order" in ordered, ordered
        path = page_path(client, buyer, ordered["order"]["id"])

        waiting = client.get(path)
        assert "Your payment is being confirmed" in waiting.text
        assert waiting.headers["Refresh"] == "3; url=?n=1"
        assert "Refresh" not in client.get(f"{path}?n=20").headers
        cancelled = client.get(f"{path}?outcome=cancelled")
        assert "You have not paid" in cancelled.text
        assert f'href="{ordered["checkoutUrl"]}"' in cancelled.text
        assert "Refresh" not in cancelled.headers
        assert client.get(f"{path}/receipt").status_code == 404

        client.post(f"{ORDERS}/{ordered['order']['id']}/cancel", headers=buyer.headers)
        assert "This order was not paid" in words(client, path)

    def test_the_time_to_pay_passes(
        self, client: FlaskClient, gateway: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        buyer = factories.buyer()
        product_id = factories.product(factories.merchant(), price="10.00", units=5)
        ordered = create_order(client, buyer, product_id).json
        path = page_path(client, buyer, ordered["order"]["id"])
        later = clock.now() + timedelta(hours=2)
        monkeypatch.setattr("app.orders.order_page.service.clock.now", lambda: later)

        shown = client.get(f"{path}?outcome=cancelled").text

        assert "The time to pay has passed" in shown
        assert ordered["checkoutUrl"] not in shown

    def test_an_order_that_was_not_paid_leads_back_to_the_payment_page(
        self, client: FlaskClient, gateway: Any
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller, price="10.00", units=5)
        order = create_order(client, buyer, product_id, quantity=2).json["order"]
        path = page_path(client, buyer, order["id"])
        client.post(f"{ORDERS}/{order['id']}/cancel", headers=buyer.headers)
        assert "Order again where you found the product" in words(client, path)

        code = created_code(client, seller, productId=str(product_id))

        again = f"/pay/{code['token']}?quantity=2"
        assert f'href="{again}"' in client.get(path).text
        assert client.get(again).status_code == 200
        client.post(f"{CODES}/{code['id']}/deactivate", headers=seller.headers)
        assert "/pay/" not in client.get(path).text

    def test_a_buyer_who_gives_up_on_the_card_can_pay_from_a_wallet(
        self, client: FlaskClient, gateway: Any
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller, price="10.00", units=5)
        code = created_code(client, seller, productId=str(product_id))
        ordered = create_order(client, buyer, product_id).json
        path = page_path(client, buyer, ordered["order"]["id"])

        shown = client.get(f"{path}?outcome=cancelled").text

        assert f'href="{ordered["checkoutUrl"]}"' in shown
        assert f'href="/pay/{code["token"]}?quantity=1"' in shown
        assert "Pay from a wallet" in shown
