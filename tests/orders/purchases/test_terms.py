"""What sellers may ask: caps per buyer, fees of their own; and what buyers add to an order."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories
from tests.answers import error_body, refusal
from tests.concurrency import all_at_once, broken
from tests.coupons.helpers import create_coupon
from tests.orders.helpers import balance, buy, nothing_happened
from tests.orders.refunds.helpers import refund


def capped(client: FlaskClient, seller: factories.Actor, most: int) -> str:
    body = {"name": "Rare", "price": "1.00", "availableUnits": 500, "purchaseLimit": most}
    made = client.post("/api/v1/products", json=body, headers=seller.headers).json
    assert made["purchaseLimit"] == most
    product_id: str = made["id"]
    return product_id


class TestPurchaseLimit:
    def test_a_buyer_has_at_most_so_many_units(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = capped(client, seller, 3)

        order = buy(client, buyer, product_id, quantity=2).json
        answer = buy(client, buyer, product_id, quantity=2)

        assert refusal(answer) == (400, "PURCHASE_LIMIT_REACHED")
        assert error_body(answer)["details"] == {"limit": 3, "bought": 2, "requested": 2}
        assert buy(client, factories.buyer(), product_id, quantity=3).status_code == 201
        refund(client, seller, order["id"], units=1)
        assert buy(client, buyer, product_id, quantity=2).status_code == 201

    def test_it_holds_for_many_at_once(self, committing: Flask) -> None:
        client = committing.test_client()
        product_id = capped(client, factories.merchant(), 5)
        buyer = factories.buyer("100.00")

        statuses = all_at_once(
            lambda _: buy(committing.test_client(), buyer, product_id).status_code, range(40)
        )

        assert (statuses.count(201), statuses.count(400)) == (5, 35)
        assert broken() == []


class TestTheDearest:
    #: As many cents as a balance can have.
    MOST = "92233720368547758.07"

    @pytest.mark.parametrize("quantity", [2, 1_000])
    def test_more_than_can_be_counted_is_refused_whatever_a_coupon_leaves(
        self, client: FlaskClient, quantity: int
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        create_coupon(client, seller, code="GIFT", value="100")
        product_id = factories.product(seller, price=self.MOST, units=1_000)

        answer = buy(client, buyer, product_id, quantity=quantity, couponCode="GIFT")

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(error_body(answer)["details"]) == ["quantity"]
        assert nothing_happened(client, buyer)

    def test_one_can_be_had_for_nothing(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        create_coupon(client, seller, code="GIFT", value="100")
        product_id = factories.product(seller, price=self.MOST)
        order = buy(client, buyer, product_id, couponCode="GIFT").json
        assert (order["amount"], order["discount"]) == ("0.00", self.MOST)
        assert broken() == []


class TestNotes:
    def test_they_come_back_as_they_are(self, client: FlaskClient) -> None:
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
    def test_what_is_too_much_is_refused(self, client: FlaskClient, field: str, value: Any) -> None:
        buyer, product_id = factories.buyer(), factories.product(factories.merchant())
        answer = buy(client, buyer, product_id, **{field: value})
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert nothing_happened(client, buyer)


class TestFees:
    def test_a_merchant_s_own_fee_stands_instead_of_the_usual(
        self, client: FlaskClient, change_settings: Any
    ) -> None:
        change_settings(platform_fee_bps=250)
        usual, special = factories.merchant(), factories.merchant()
        admin = factories.admin()
        path = f"/api/v1/admin/merchants/{special.id}/fee"

        answer = client.put(path, json={"bps": 1000}, headers=admin.headers)

        assert answer.status_code == 200
        assert answer.json == {"merchantId": str(special.id), "bps": 1000, "own": True}
        for seller, earned in ((usual, "9.75"), (special, "9.00")):
            buy(client, factories.buyer(), factories.product(seller, price="10.00"))
            assert balance(client, seller) == earned
        back = client.delete(path, headers=admin.headers)
        assert back.json == {"merchantId": str(special.id), "bps": 250, "own": False}
        assert client.get(path, headers=admin.headers).json == back.json
        assert broken() == []

    @pytest.mark.parametrize("bps", [-1, 10_001, "250", 2.5, None])
    def test_a_fee_is_a_whole_number_of_hundredths_of_a_percent(
        self, client: FlaskClient, bps: Any
    ) -> None:
        path = f"/api/v1/admin/merchants/{factories.merchant().id}/fee"
        answer = client.put(path, json={"bps": bps}, headers=factories.admin().headers)
        assert refusal(answer) == (400, "VALIDATION_ERROR")

    def test_only_of_merchants_and_only_by_admins(self, client: FlaskClient) -> None:
        path = f"/api/v1/admin/merchants/{factories.buyer().id}/fee"
        for call in (client.get, client.delete):
            answer = call(path, headers=factories.admin().headers)
            assert refusal(answer) == (404, "USER_NOT_FOUND")
            assert refusal(call(path, headers=factories.merchant().headers)) == (
                403,
                "FORBIDDEN",
            )
