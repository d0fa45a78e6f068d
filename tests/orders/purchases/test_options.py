"""Purchase limits, the maximum total, and the notes and metadata of an order."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.concurrency import all_at_once, broken_invariants
from tests.coupons.helpers import create_coupon
from tests.orders.helpers import buy, nothing_happened
from tests.orders.refunds.helpers import refund
from tests.responses import error_body, refusal


def create_limited_product(client: FlaskClient, seller: factories.Actor, limit: int) -> str:
    body = {"name": "Rare", "price": "1.00", "availableUnits": 500, "purchaseLimit": limit}
    made = client.post("/api/v1/products", json=body, headers=seller.headers).json
    assert made["purchaseLimit"] == limit
    product_id: str = made["id"]
    return product_id


class TestPurchaseLimit:
    def test_a_buyer_cannot_exceed_the_purchase_limit(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = create_limited_product(client, seller, 3)

        order = buy(client, buyer, product_id, quantity=2).json
        answer = buy(client, buyer, product_id, quantity=2)

        assert refusal(answer) == (400, "PURCHASE_LIMIT_REACHED")
        assert error_body(answer)["details"] == {"limit": 3, "bought": 2, "requested": 2}
        assert buy(client, factories.buyer(), product_id, quantity=3).status_code == 201
        refund(client, seller, order["id"], units=1)
        assert buy(client, buyer, product_id, quantity=2).status_code == 201

    def test_concurrent_purchases_cannot_exceed_the_purchase_limit(self, committing: Flask) -> None:
        client = committing.test_client()
        product_id = create_limited_product(client, factories.merchant(), 5)
        buyer = factories.buyer("100.00")

        statuses = all_at_once(
            lambda _: buy(committing.test_client(), buyer, product_id).status_code, range(40)
        )

        assert (statuses.count(201), statuses.count(400)) == (5, 35)
        assert broken_invariants() == []


class TestMaximumTotal:
    #: The maximum balance in minor units.
    MAX_PRICE = "92233720368547758.07"

    @pytest.mark.parametrize("quantity", [2, 1_000])
    def test_a_total_above_the_maximum_is_refused_even_with_a_full_discount(
        self, client: FlaskClient, quantity: int
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        create_coupon(client, seller, code="GIFT", value="100")
        product_id = factories.product(seller, price=self.MAX_PRICE, units=1_000)

        answer = buy(client, buyer, product_id, quantity=quantity, couponCode="GIFT")

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(error_body(answer)["details"]) == ["quantity"]
        assert nothing_happened(client, buyer)

    def test_a_full_discount_on_the_maximum_price_costs_nothing(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        create_coupon(client, seller, code="GIFT", value="100")
        product_id = factories.product(seller, price=self.MAX_PRICE)
        order = buy(client, buyer, product_id, couponCode="GIFT").json
        assert (order["amount"], order["discount"]) == ("0.00", self.MAX_PRICE)
        assert broken_invariants() == []


class TestNotesAndMetadata:
    def test_notes_and_metadata_are_returned_unchanged(self, client: FlaskClient) -> None:
        buyer, product_id = factories.buyer(), factories.product(factories.merchant())
        added = {"notes": "For Grace", "metadata": {"cart": "c-1", "näme": ""}}
        order = buy(client, buyer, product_id, **added).json
        assert {name: order[name] for name in added} == added
        path = f"/api/v1/orders/{order['id']}"
        assert client.get(path, headers=buyer.headers).json["metadata"] == added["metadata"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("notes", "x" * 1001),
            ("notes", ""),
            ("metadata", {"n": 5}),
            ("metadata", {"": "empty"}),
            ("metadata", {"x": "y" * 501}),
            ("metadata", {str(n): "" for n in range(21)}),
            ("metadata", ["a"]),
            ("couponCode", ""),
        ],
    )
    def test_invalid_options_are_refused(self, client: FlaskClient, field: str, value: Any) -> None:
        buyer, product_id = factories.buyer(), factories.product(factories.merchant())
        answer = buy(client, buyer, product_id, **{field: value})
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert nothing_happened(client, buyer)
