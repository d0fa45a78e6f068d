"""Lists in either order: the same rows, each once, and cursors that belong to one order."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.factories import Actor
from tests.lists import pages_of
from tests.orders.helpers import buy
from tests.orders.refunds.helpers import request_refund
from tests.responses import refusal

API = "/api/v1"

#: Who reads it, and the list.
LISTS = [
    ("buyer", "orders"),
    ("buyer", "refund-requests"),
    ("buyer", "wallet/transactions"),
    ("buyer", "wallet/transactions?type=PAYMENT"),
    ("seller", "orders/merchant/sales"),
    ("seller", "orders/merchant/sales?status=COMPLETED&from=2020-01-01"),
    ("seller", "refund-requests?role=merchant&status=OPEN"),
    ("seller", "coupons"),
    ("admin", "admin/users"),
    ("admin", "admin/users?role=MERCHANT"),
    ("admin", "admin/users?q=example.com"),
    ("admin", "admin/wallets"),
    ("admin", "admin/orders"),
    ("admin", "admin/audit"),
]


@pytest.fixture
def actors(client: FlaskClient) -> dict[str, Actor]:
    """A buyer, a seller and an administrator, with three rows of everything that they list."""
    buyer, seller, admin = factories.buyer(), factories.merchant(), factories.admin()
    product_id = factories.product(seller)
    for number in range(3):
        order = buy(client, buyer, product_id).json
        request_refund(client, buyer, order["id"])
        coupon = {"code": f"SPRING{number}", "kind": "PERCENT", "value": "5"}
        client.post(f"{API}/coupons", json=coupon, headers=seller.headers)
        client.get(f"{API}/admin/orders/{order['id']}", headers=admin.headers)
        factories.merchant()
    return {"buyer": buyer, "seller": seller, "admin": admin}


def ids(client: FlaskClient, user: Actor, url: str, **query: Any) -> list[str]:
    pages = pages_of(client, user, f"{API}/{url}", **query)
    return [row["id"] for page in pages for row in page["data"]]


def with_query(url: str, **query: Any) -> tuple[str, dict[str, Any]]:
    path, _, filters = url.partition("?")
    given = dict(each.split("=") for each in filters.split("&") if each)
    return path, given | query


@pytest.mark.parametrize(("who", "url"), LISTS)
def test_the_oldest_come_first_and_cursors_belong_to_one_order(
    client: FlaskClient, actors: dict[str, Actor], who: str, url: str
) -> None:
    user = actors[who]
    path, query = with_query(url)
    newest = ids(client, user, path, **query)
    oldest = ids(client, user, path, **query, sort="oldest", limit=2)

    assert len(newest) >= 3
    assert len(newest) == len(set(newest))
    assert oldest == newest[::-1]
    assert ids(client, user, path, **query, sort="newest", limit=2) == newest

    query |= {"sort": "oldest", "limit": 2}
    first = next(pages_of(client, user, f"{API}/{path}", **query))
    query |= {"sort": "newest", "cursor": first["meta"]["nextCursor"]}
    answer = client.get(f"{API}/{path}", query_string=query, headers=user.headers)
    assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_a_page_number_counts_from_the_oldest(
    client: FlaskClient, actors: dict[str, Actor]
) -> None:
    for path in ("orders", "wallet/transactions"):
        oldest = ids(client, actors["buyer"], path, sort="oldest")
        page = client.get(
            f"{API}/{path}",
            query_string={"sort": "oldest", "page": 2, "limit": 2},
            headers=actors["buyer"].headers,
        ).json
        assert [row["id"] for row in page["data"]] == oldest[2:4]


@pytest.mark.parametrize("sort", ["name", "price", "stock", "oldest"])
def test_products_of_a_merchant_are_sorted(client: FlaskClient, sort: str) -> None:
    seller = factories.merchant()
    for name, price, units in [("B", "3.00", 1), ("C", "1.00", 5), ("A", "2.00", 5)]:
        factories.product(seller, name=name, price=price, units=units)
    expected = {
        "name": ["A", "B", "C"],
        "price": ["C", "A", "B"],
        "stock": ["B", "C", "A"],
        "oldest": ["B", "C", "A"],
    }[sort]

    def names(order: str) -> list[str]:
        found, query = [], {"sort": order, "limit": 2}
        for _ in range(2):
            answer = client.get(
                f"{API}/products/merchant/my-products",
                query_string=query,
                headers=seller.headers,
            )
            found += [row["name"] for row in answer.json]
            query["cursor"] = _next_cursor(answer)
        return found

    assert names(sort) == expected
    reverse = "newest" if sort == "oldest" else f"-{sort}"
    assert names(reverse) == expected[::-1]


def _next_cursor(answer: Any) -> Any:
    return json.loads(answer.headers["X-Pagination"])["nextCursor"]
