"""Finding sales, over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text

from app.common import db
from app.orders.models import OrderStatus
from tests import factories
from tests.answers import refusal
from tests.factories import Actor
from tests.orders.helpers import ORDERS, UNKNOWN, buy
from tests.orders.refunds.helpers import refund
from tests.sales.helpers import DAY, HOUR, NOON, add_orders, ids, read


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


class TestFilters:
    def test_by_product(self, client: FlaskClient, seller: Actor) -> None:
        buyer = factories.buyer()
        guide, atlas = (factories.product(seller) for _ in range(2))
        sold = [buy(client, buyer, product).json["id"] for product in (guide, atlas, guide)]

        assert ids(client, seller, productId=guide) == [sold[2], sold[0]]
        assert ids(client, seller, productId=atlas) == [sold[1]]

    def test_another_merchant_s_product_has_no_sales_of_mine(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        theirs = factories.product(factories.merchant())
        buy(client, factories.buyer(), theirs)

        assert ids(client, seller, productId=theirs) == []
        assert ids(client, seller, productId=UNKNOWN) == []

    def test_by_status(self, client: FlaskClient, seller: Actor) -> None:
        product_id = factories.product(seller)
        kept, returned = (buy(client, factories.buyer(), product_id).json["id"] for _ in range(2))
        refund(client, seller, returned)

        found = {status: ids(client, seller, status=status) for status in OrderStatus}

        assert {status: some for status, some in found.items() if some} == {
            "COMPLETED": [kept],
            "REFUNDED": [returned],
        }

    def test_by_period_from_included_to_left_out(self, client: FlaskClient, seller: Actor) -> None:
        product_id, buyer = factories.product(seller), factories.buyer()
        sold = add_orders(product_id, buyer, NOON, count=4)

        assert ids(client, seller) == sold[::-1]
        assert ids(client, seller, since=NOON + HOUR, until=NOON + 3 * HOUR) == [sold[2], sold[1]]
        assert ids(client, seller, since=NOON + 3 * HOUR) == [sold[3]]
        assert ids(client, seller, until=NOON + HOUR) == [sold[0]]
        assert ids(client, seller, since="2026-03-02") == []
        assert ids(client, seller, since=NOON + HOUR, until=NOON) == []
        assert ids(client, seller, since="2026-03-01T14:00:00+01:00") == sold[:0:-1]

    def test_the_moment_that_is_shown_decides_and_not_the_one_in_the_id(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        (sold,) = add_orders(factories.product(seller), factories.buyer(), NOON)
        with db.transaction() as session:
            session.execute(text("UPDATE orders SET created_at = created_at + interval '50 min'"))

        assert ids(client, seller, since=NOON + HOUR / 2) == [sold]
        assert ids(client, seller, until=NOON + HOUR / 2) == []

    def test_they_combine(self, client: FlaskClient, seller: Actor) -> None:
        buyer = factories.buyer()
        guide, atlas = (factories.product(seller) for _ in range(2))
        wanted: list[str] = []
        for product in (guide, atlas):
            for status in ("PENDING", "COMPLETED"):
                for day in range(3):
                    later = None if status == "PENDING" else 0 * DAY
                    at = NOON + day * DAY
                    made = add_orders(product, buyer, at, status=status, later=later)
                    if (product, status, day) == (guide, "PENDING", 1):
                        wanted = made

        found = ids(
            client,
            seller,
            productId=guide,
            status="PENDING",
            since=NOON + DAY,
            until=NOON + 2 * DAY,
        )

        assert found == wanted != []

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
    def test_what_makes_no_sense_is_400(
        self, client: FlaskClient, seller: Actor, query: dict[str, str]
    ) -> None:
        assert refusal(read(client, seller, **query)) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize(
        "query",
        [{"since": "0001-01-01"}, {"until": "9999-12-31T23:59:59.999999999Z"}],
        ids=str,
    )
    def test_the_ends_of_time_are_moments_too(
        self, client: FlaskClient, seller: Actor, query: dict[str, str]
    ) -> None:
        sold = add_orders(factories.product(seller), factories.buyer(), NOON)

        assert ids(client, seller, **query) == sold

    def test_buyers_find_by_status_too(self, client: FlaskClient, seller: Actor) -> None:
        buyer = factories.buyer()
        product_id = factories.product(seller)
        kept, returned = (buy(client, buyer, product_id).json["id"] for _ in range(2))
        refund(client, seller, returned)

        def bought(**query: Any) -> list[str]:
            answer = client.get(ORDERS, query_string=query, headers=buyer.headers)
            return [row["id"] for row in answer.json["data"]]

        assert bought(status="REFUNDED") == [returned]
        assert bought(status="COMPLETED") == [kept]
        assert bought(status="PENDING") == []
        answer = client.get(ORDERS, query_string={"status": "PAID"}, headers=buyer.headers)
        assert refusal(answer) == (400, "VALIDATION_ERROR")


class TestWalking:
    @pytest.mark.parametrize("by", [{}, {"status": "COMPLETED"}, {"since": NOON}], ids=str)
    def test_by_cursor_every_one_is_seen_once(
        self, client: FlaskClient, seller: Actor, by: dict[str, Any]
    ) -> None:
        product_id, buyer = factories.product(seller), factories.buyer()
        sold = add_orders(product_id, buyer, NOON, count=5)
        walked: list[str] = []
        query = {"limit": 2, "productId": product_id} | by

        for _ in range(3):
            page = read(client, seller, **query).json
            walked += [row["id"] for row in page["data"]]
            query["cursor"] = page["meta"]["nextCursor"]

        assert (walked, query["cursor"], page["meta"]["total"]) == (sold[::-1], None, 5)

    @pytest.mark.parametrize(
        ("by", "index"),
        [
            ({}, "ix_orders_merchant"),
            ({"status": "COMPLETED"}, "ix_orders_merchant"),
            ({"since": NOON, "until": NOON + DAY}, "ix_orders_merchant"),
            ({"status": "REFUNDED"}, "ix_orders_unusual"),
            ({"productId": None}, "ix_orders_product"),
        ],
        ids=str,
    )
    def test_a_page_is_read_in_order_from_the_index_that_begins_with_what_is_asked_for(
        self, client: FlaskClient, seller: Actor, by: dict[str, Any], index: str
    ) -> None:
        """So it takes as long with 100,000 orders as with these."""
        product_id = factories.product(seller)
        add_orders(product_id, factories.buyer(), NOON, count=30)
        asked = by | ({"productId": product_id} if "productId" in by else {})

        plan = "\n".join(plan_of(lambda: ids(client, seller, limit=5, **asked)))

        assert f"using {index} on orders" in plan
        assert "Sort" not in plan


def plan_of(ask: Any) -> list[str]:
    """How PostgreSQL reads the page of orders that `ask` asks for, if it must not sort them."""
    seen: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        if "FROM orders JOIN" in statement:
            seen.append((statement, values))

    engine = db.current().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    ((statement, values),) = seen
    with db.transaction() as session:
        connection: Any = session.connection().connection.driver_connection
        for kind in ("sort", "incremental_sort"):
            connection.execute(f"SET LOCAL enable_{kind} = off")
        return [line for (line,) in connection.execute(f"EXPLAIN {statement}", values)]
