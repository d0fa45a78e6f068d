"""Filtering sales by buyer and by what was refunded, over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common import db
from tests import factories
from tests.factories import Actor
from tests.orders.helpers import ORDERS, UNKNOWN, buy
from tests.orders.refunds.helpers import refund
from tests.responses import refusal
from tests.sales.helpers import DAY, NOON, add_orders, export, ids, query_string, read
from tests.sales.test_lists import plan_of


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


class TestCoupon:
    def test_sales_with_a_coupon_are_found_and_exported(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        buyer, guide = factories.buyer(), factories.product(seller)
        coupon, other = (
            client.post(
                "/api/v1/coupons",
                json={"code": code, "kind": "PERCENT", "value": "10"},
                headers=seller.headers,
            ).json
            for code in ("SPRING", "AUTUMN")
        )
        buy(client, buyer, guide)
        sold = [buy(client, buyer, guide, couponCode="SPRING").json["id"] for _ in range(2)]

        assert ids(client, seller, couponId=coupon["id"]) == sold[::-1]
        found = export(client, seller, couponId=coupon["id"])
        assert [row["orderId"] for row in found] == sold[::-1]
        assert ids(client, seller, couponId=coupon["id"], status="REFUNDED") == []
        assert ids(client, seller, couponId=other["id"]) == []
        assert ids(client, factories.merchant(), couponId=coupon["id"]) == []


class TestBuyer:
    def test_sales_to_a_buyer_are_found_by_id_and_by_email(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        ada, bob = factories.buyer(), factories.buyer()
        guide, atlas = factories.product(seller), factories.product(seller)
        buy(client, bob, guide)
        sold = [buy(client, ada, product).json["id"] for product in (guide, atlas)]
        buy(client, ada, factories.product(factories.merchant()))

        for query in (
            {"buyerId": ada.id},
            {"buyerEmail": ada.email},
            {"buyerEmail": f" {ada.email.upper()} "},
        ):
            assert ids(client, seller, **query) == sold[::-1]
            assert ids(client, seller, **query, productId=guide) == [sold[0]]
            assert ids(client, seller, **query, status="REFUNDED") == []
            assert [row["orderId"] for row in export(client, seller, **query)] == sold[::-1]

    def test_a_buyer_of_others_or_nobody_has_no_sales(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        buy(client, factories.buyer(), factories.product(seller))
        other = factories.buyer()
        buy(client, other, factories.product(factories.merchant()))

        for query in (
            {"buyerId": other.id},
            {"buyerId": UNKNOWN},
            {"buyerEmail": other.email},
            {"buyerEmail": "nobody@example.com"},
        ):
            answer = read(client, seller, **query)
            assert (answer.status_code, answer.json["data"]) == (200, [])
            assert export(client, seller, **query) == []

    def test_pages_of_a_buyer_contain_each_sale_once(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        buyer = factories.buyer()
        sold = add_orders(factories.product(seller), buyer, NOON, count=5)
        listed: list[str] = []
        query: dict[str, Any] = {"limit": 2, "buyerEmail": buyer.email}
        for _ in range(3):
            page = read(client, seller, **query).json
            listed += [row["id"] for row in page["data"]]
            query["cursor"] = page["meta"]["nextCursor"]

        assert (listed, query["cursor"], page["meta"]["total"]) == (sold[::-1], None, 5)

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"buyerEmail": "ada"}, "buyerEmail"),
            ({"buyerId": "ada"}, "buyerId"),
            ({"buyerId": UNKNOWN, "buyerEmail": "ada@example.com"}, "buyerEmail"),
            ({"refunded": "REFUNDED"}, "refunded"),
            ({"refunded": "full"}, "refunded"),
        ],
        ids=str,
    )
    def test_invalid_filters_are_refused(
        self, client: FlaskClient, seller: Actor, query: dict[str, str], field: str
    ) -> None:
        answer = read(client, seller, **query)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]


class TestRefunded:
    def test_sales_are_found_by_what_was_refunded(self, client: FlaskClient, seller: Actor) -> None:
        buyer, product_id = factories.buyer(), factories.product(seller, units=20)
        whole, money, units, free, none = (
            buy(client, buyer, product_id, quantity=2).json["id"] for _ in range(5)
        )
        refund(client, seller, whole)
        refund(client, seller, money, amount="0.01")
        refund(client, seller, units, units=1)
        # All of the money, and one unit that is the buyer's to keep.
        with db.transaction() as session:
            factories.as_owner(
                session,
                "UPDATE orders SET refunded_amount = amount, refunded_units = 1"
                f" WHERE id = '{free}'",
            )

        expected = {"FULL": [whole], "PARTIAL": [free, units, money], "NONE": [none]}
        for state, sold in expected.items():
            for others in ({}, {"productId": product_id}, {"buyerId": buyer.id}):
                assert ids(client, seller, refunded=state, **others) == sold
            assert [row["orderId"] for row in export(client, seller, refunded=state)] == sold
            assert ids(client, seller, refunded=state, productId=UNKNOWN) == []
            assert read(client, seller, refunded=state).json["meta"]["total"] == len(sold)

    def test_it_can_be_combined_with_a_status(self, client: FlaskClient, seller: Actor) -> None:
        buyer, product_id = factories.buyer(), factories.product(seller)
        whole, part, none = (buy(client, buyer, product_id).json["id"] for _ in range(3))
        refund(client, seller, whole)
        refund(client, seller, part, amount="0.01")

        found = {
            (state, status): ids(client, seller, refunded=state, status=status)
            for state in ("NONE", "PARTIAL", "FULL")
            for status in ("COMPLETED", "REFUNDED")
        }

        assert {key: sold for key, sold in found.items() if sold} == {
            ("NONE", "COMPLETED"): [none],
            ("PARTIAL", "COMPLETED"): [part],
            ("FULL", "REFUNDED"): [whole],
        }

    def test_those_refunded_in_part_have_an_index(self, client: FlaskClient, seller: Actor) -> None:
        add_orders(factories.product(seller), factories.buyer(), NOON, count=30)
        with db.transaction() as session:
            factories.as_owner(session, "UPDATE orders SET refunded_amount = 1")

        plan = "\n".join(plan_of(lambda: ids(client, seller, limit=5, refunded="PARTIAL")))

        assert "using ix_orders_partly_refunded on orders" in plan
        assert "Sort" not in plan


def test_nothing_keeps_the_number_from_being_looked_up(client: FlaskClient, seller: Actor) -> None:
    """With a condition on a row, PostgreSQL reads all orders of a merchant with a million."""
    buyer, product_id = factories.buyer(), factories.product(seller)
    order = buy(client, buyer, product_id).json
    query = {"number": order["number"], "productId": product_id, "buyerEmail": buyer.email}

    plan = "\n".join(plan_of(lambda: ids(client, seller, **query)))

    assert order["number"] in plan
    assert "ROW(" not in plan
    others = {"buyerEmail": factories.buyer().email}, {"productId": UNKNOWN}
    assert ids(client, seller, **query) == [order["id"]]
    assert [ids(client, seller, **query | other) for other in others] == [[], []]


def test_buyers_filter_their_orders_by_period(client: FlaskClient, seller: Actor) -> None:
    buyer = factories.buyer()
    product_id = factories.product(seller)
    bought = add_orders(product_id, buyer, NOON, count=4, apart=DAY)
    add_orders(product_id, factories.buyer(), NOON, count=4, apart=DAY)

    def found(**query: Any) -> list[str]:
        answer = client.get(ORDERS, query_string=query_string(query), headers=buyer.headers)
        assert answer.status_code == 200, answer.text
        assert answer.json["meta"]["total"] == len(answer.json["data"])
        return [row["id"] for row in answer.json["data"]]

    assert found(since=NOON + DAY, until=NOON + 3 * DAY) == [bought[2], bought[1]]
    assert found(since=NOON + 3 * DAY) == [bought[3]]
    assert found(until=NOON) == []
    assert found(until=NOON + DAY, status="COMPLETED") == [bought[0]]
    empty = {"from": "2026-03-02", "to": "2026-03-02"}
    answer = client.get(ORDERS, query_string=empty, headers=buyer.headers)
    assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_the_merchant_sees_notes_and_metadata(client: FlaskClient, seller: Actor) -> None:
    own = {"notes": "For Grace", "metadata": {"cart": "c-1"}}
    buy(client, factories.buyer(), factories.product(seller), **own)

    (sale,) = read(client, seller).json["data"]
    (row,) = export(client, seller)

    assert (sale["notes"], sale["metadata"]) == ("For Grace", {"cart": "c-1"})
    assert (row["notes"], row["metadata"]) == ("For Grace", '{"cart": "c-1"}')
