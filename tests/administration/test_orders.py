"""Orders, as administrators find them."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common import clock
from tests import factories
from tests.administration.helpers import ADMIN, actions_of, get, ids, rows
from tests.factories import Actor
from tests.lists import pages_of
from tests.orders.helpers import UNKNOWN, buy
from tests.responses import refusal


@pytest.fixture
def admin(client: FlaskClient) -> Actor:
    return factories.admin()


def test_orders_are_found_by_each_filter(client: FlaskClient, admin: Actor) -> None:
    sellers, buyers = [factories.merchant() for _ in range(2)], [factories.buyer() for _ in "ab"]
    products = [factories.product(seller, units=50) for seller in sellers]
    orders = {(b, p): buy(client, buyers[b], products[p]).json for b in range(2) for p in range(2)}
    made = {key: order["id"] for key, order in orders.items()}
    refunded = made[0, 0]
    url = f"/api/v1/orders/{refunded}/refunds"
    assert client.post(url, headers=sellers[0].headers).status_code == 201

    def found(**query: Any) -> list[str]:
        return ids(client, admin, "orders", **query)

    newest_first = list(made.values())[::-1]
    assert found() == newest_first
    assert found(buyerId=buyers[0].id) == [made[0, 1], made[0, 0]]
    assert found(merchantId=sellers[1].id) == [made[1, 1], made[0, 1]]
    assert found(productId=products[1]) == [made[1, 1], made[0, 1]]
    assert found(buyerId=buyers[0].id, merchantId=sellers[1].id) == [made[0, 1]]
    assert found(status="REFUNDED") == [refunded]
    assert found(status="COMPLETED") == [one for one in newest_first if one != refunded]
    assert found(status="REFUNDED", merchantId=sellers[0].id) == [refunded]
    assert found(status="COMPLETED", merchantId=sellers[0].id) == [made[1, 0]]
    assert found(status="REFUNDED", merchantId=sellers[1].id) == []
    assert found(status="REFUNDED", buyerId=buyers[1].id) == []
    assert found(status="REFUNDED", productId=products[0]) == [refunded]
    number = orders[1, 0]["number"]
    assert found(number=number.replace("-", " ")) == [made[1, 0]]
    assert found(number=number, status="COMPLETED", buyerId=buyers[1].id) == [made[1, 0]]
    assert found(number=number, status="REFUNDED") == []
    assert found(number=number, merchantId=sellers[1].id) == []
    assert found(paymentMethod="WALLET") == newest_first
    assert found(paymentMethod="GATEWAY") == []
    soon = (clock.now() + timedelta(minutes=1)).isoformat()
    assert found(since=soon) == []
    assert found(to=soon) == newest_first
    (row,) = rows(client, admin, "orders", status="REFUNDED")
    assert row["user"]["email"] == buyers[0].email

    for query in ({}, {"status": "COMPLETED"}, {"merchantId": sellers[1].id}):
        pages = list(pages_of(client, admin, f"{ADMIN}/orders", limit=1, **query))
        assert [row["id"] for page in pages for row in page["data"]] == found(**query)


def test_the_details_have_merchant_and_refunds(client: FlaskClient, admin: Actor) -> None:
    seller, buyer = factories.merchant(), factories.buyer()
    made = buy(client, buyer, factories.product(seller)).json
    url = f"/api/v1/orders/{made['id']}/refunds"
    for amount in ("1.00", "2.00"):
        client.post(url, json={"amount": amount}, headers=seller.headers)

    found = get(client, admin, f"orders/{made['id']}")
    assert found["merchant"]["email"] == seller.email
    assert found["user"]["email"] == buyer.email
    assert found["checkout"] is None
    assert [refund["amount"] for refund in found["refunds"]] == ["2.00", "1.00"]
    assert found["refundedAmount"] == "3.00"
    assert actions_of(admin) == [("order.view", made["id"])]


def test_an_unknown_order(client: FlaskClient, admin: Actor) -> None:
    answer = client.get(f"{ADMIN}/orders/{UNKNOWN}", headers=admin.headers)
    assert refusal(answer) == (404, "ORDER_NOT_FOUND")
    assert actions_of(admin) == []
