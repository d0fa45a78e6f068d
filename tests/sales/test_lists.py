"""Filtering and paging sales, over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.common import db
from app.orders.models import OrderStatus
from tests import factories
from tests.factories import Actor
from tests.orders.helpers import ORDERS, UNKNOWN, buy
from tests.orders.refunds.helpers import refund
from tests.responses import refusal
from tests.sales.helpers import DAY, HOUR, NOON, add_orders, ids, read


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


class TestFilters:
    def test_sales_can_be_filtered_by_product(self, client: FlaskClient, seller: Actor) -> None:
        buyer = factories.buyer()
        guide, atlas = (factories.product(seller) for _ in range(2))
        sold = [buy(client, buyer, product).json["id"] for product in (guide, atlas, guide)]

        assert ids(client, seller, productId=guide) == [sold[2], sold[0]]
        assert ids(client, seller, productId=atlas) == [sold[1]]

    def test_a_product_of_another_merchant_has_no_sales(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        other = factories.product(factories.merchant())
        buy(client, factories.buyer(), other)

        assert ids(client, seller, productId=other) == []
        assert ids(client, seller, productId=UNKNOWN) == []

    def test_sales_can_be_filtered_by_status(self, client: FlaskClient, seller: Actor) -> None:
        product_id = factories.product(seller)
        completed, refunded = (
            buy(client, factories.buyer(), product_id).json["id"] for _ in range(2)
        )
        refund(client, seller, refunded)

        found = {status: ids(client, seller, status=status) for status in OrderStatus}

        assert {status: order_ids for status, order_ids in found.items() if order_ids} == {
            "COMPLETED": [completed],
            "REFUNDED": [refunded],
        }

    def test_sales_can_be_filtered_by_period_with_an_exclusive_end(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        product_id, buyer = factories.product(seller), factories.buyer()
        sold = add_orders(product_id, buyer, NOON, count=4)

        assert ids(client, seller) == sold[::-1]
        assert ids(client, seller, since=NOON + HOUR, until=NOON + 3 * HOUR) == [sold[2], sold[1]]
        assert ids(client, seller, since=NOON + 3 * HOUR) == [sold[3]]
        assert ids(client, seller, until=NOON + HOUR) == [sold[0]]
        assert ids(client, seller, since="2026-03-02") == []
        assert ids(client, seller, since="2026-03-01T14:00:00+01:00") == sold[:0:-1]

    def test_a_period_refers_to_created_at_and_not_to_the_time_in_the_id(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        (sold,) = add_orders(factories.product(seller), factories.buyer(), NOON)
        with db.transaction() as session:
            factories.as_owner(
                session, "UPDATE orders SET created_at = created_at + interval '50 min'"
            )

        assert ids(client, seller, since=NOON + HOUR / 2) == [sold]
        assert ids(client, seller, until=NOON + HOUR / 2) == []

    def test_filters_can_be_combined(self, client: FlaskClient, seller: Actor) -> None:
        buyer = factories.buyer()
        guide, atlas = (factories.product(seller) for _ in range(2))
        expected: list[str] = []
        for product in (guide, atlas):
            for status in ("PENDING", "COMPLETED"):
                for day in range(3):
                    later = None if status == "PENDING" else 0 * DAY
                    at = NOON + day * DAY
                    made = add_orders(product, buyer, at, status=status, later=later)
                    if (product, status, day) == (guide, "PENDING", 1):
                        expected = made

        found = ids(
            client,
            seller,
            productId=guide,
            status="PENDING",
            since=NOON + DAY,
            until=NOON + 2 * DAY,
        )

        assert found == expected != []

    @pytest.mark.parametrize(
        "query",
        [
            {"productId": "abc"},
            {"status": "PAID"},
            {"status": "completed"},
            {"since": "yesterday"},
            {"until": "2026-02-30"},
        ],
        ids=str,
    )
    def test_invalid_arguments_are_refused(
        self, client: FlaskClient, seller: Actor, query: dict[str, str]
    ) -> None:
        assert refusal(read(client, seller, **query)) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize(
        "query",
        [{"since": "0001-01-01"}, {"until": "9999-12-31T23:59:59.999999999Z"}],
        ids=str,
    )
    def test_the_minimum_and_maximum_times_are_accepted(
        self, client: FlaskClient, seller: Actor, query: dict[str, str]
    ) -> None:
        sold = add_orders(factories.product(seller), factories.buyer(), NOON)

        assert ids(client, seller, **query) == sold

    def test_buyers_can_filter_orders_by_status(self, client: FlaskClient, seller: Actor) -> None:
        buyer = factories.buyer()
        product_id = factories.product(seller)
        completed, refunded = (buy(client, buyer, product_id).json["id"] for _ in range(2))
        refund(client, seller, refunded)

        def bought(**query: Any) -> list[str]:
            answer = client.get(ORDERS, query_string=query, headers=buyer.headers)
            return [row["id"] for row in answer.json["data"]]

        assert bought(status="REFUNDED") == [refunded]
        assert bought(status="COMPLETED") == [completed]
        assert bought(status="PENDING") == []
        answer = client.get(ORDERS, query_string={"status": "PAID"}, headers=buyer.headers)
        assert refusal(answer) == (400, "VALIDATION_ERROR")


class TestPaging:
    @pytest.mark.parametrize("by", [{}, {"status": "COMPLETED"}, {"since": NOON}], ids=str)
    def test_cursor_pages_contain_each_sale_once(
        self, client: FlaskClient, seller: Actor, by: dict[str, Any]
    ) -> None:
        product_id, buyer = factories.product(seller), factories.buyer()
        sold = add_orders(product_id, buyer, NOON, count=5)
        listed: list[str] = []
        query = {"limit": 2, "productId": product_id} | by

        for _ in range(3):
            page = read(client, seller, **query).json
            listed += [row["id"] for row in page["data"]]
            query["cursor"] = page["meta"]["nextCursor"]

        assert (listed, query["cursor"], page["meta"]["total"]) == (sold[::-1], None, 5)

    @pytest.mark.parametrize(
        ("by", "index"),
        [
            ({}, "ix_orders_merchant"),
            ({"status": "COMPLETED"}, "ix_orders_merchant"),
            ({"since": NOON, "until": NOON + DAY}, "ix_orders_merchant"),
            ({"status": "REFUNDED"}, "ix_orders_unusual"),
            ({"refunded": "FULL"}, "ix_orders_unusual"),
            ({"refunded": "FULL", "productId": None}, "ix_orders_unusual"),
            ({"refunded": "NONE"}, "ix_orders_merchant"),
            ({"refunded": "NONE", "productId": None}, "ix_orders_product"),
            ({"buyerId": None}, "ix_orders_buyer"),
            ({"buyerEmail": None, "productId": None}, "ix_orders_buyer"),
            ({"productId": None}, "ix_orders_product"),
            ({"productId": None, "sort": "oldest"}, "ix_orders_product"),
            ({"sort": "oldest"}, "ix_orders_merchant"),
            ({"status": "REFUNDED", "sort": "oldest"}, "ix_orders_unusual"),
            ({"couponId": UNKNOWN}, "ix_orders_coupon"),
            ({"couponId": UNKNOWN, "productId": None, "sort": "oldest"}, "ix_orders_coupon"),
        ],
        ids=str,
    )
    def test_a_page_is_read_in_order_from_a_matching_index(
        self, client: FlaskClient, seller: Actor, by: dict[str, Any], index: str
    ) -> None:
        """So the time does not depend on the number of orders."""
        product_id, buyer = factories.product(seller), factories.buyer()
        add_orders(product_id, buyer, NOON, count=30)
        values = {"productId": product_id, "buyerId": buyer.id, "buyerEmail": buyer.email}
        query = {name: values.get(name, value) for name, value in by.items()}

        plan = "\n".join(plan_of(lambda: ids(client, seller, limit=5, **query)))

        assert f"using {index} on orders" in plan
        assert "Sort" not in plan


def plan_of(request: Any) -> list[str]:
    """PostgreSQL's plan for the query of orders in `request`, with sorting disabled."""
    seen: list[tuple[str, Any]] = []

    def record_statement(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        if "FROM orders JOIN" in statement:
            seen.append((statement, values))

    engine = db.current().engine
    event.listen(engine, "before_cursor_execute", record_statement)
    try:
        request()
    finally:
        event.remove(engine, "before_cursor_execute", record_statement)
    ((statement, values),) = seen
    with db.transaction() as session:
        # Without statistics, what is filtered seems to cost no more than what an index finds.
        factories.as_owner(session, "ANALYZE orders")
        connection: Any = session.connection().connection.driver_connection
        for kind in ("sort", "incremental_sort"):
            connection.execute(f"SET LOCAL enable_{kind} = off")
        return [line for (line,) in connection.execute(f"EXPLAIN {statement}", values)]
