"""The sales summary, over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest import mock

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.auth.models import Role
from app.auth.service import Caller
from app.common import clock, db
from app.gateway.types import CheckoutSessionState, CheckoutSessionStatus
from app.ledger_lock.service import ledger_transaction
from app.orders.checkouts import service as checkouts
from app.orders.purchases.pricing import Basket
from app.sales.schemas import SalesSummaryOut
from tests import factories
from tests.coupons.helpers import create_coupon
from tests.factories import Actor
from tests.orders.helpers import buy
from tests.orders.refunds.helpers import refund
from tests.responses import refusal
from tests.sales.helpers import (
    DAY,
    HOUR,
    NOON,
    SUMMARY,
    add_orders,
    add_refund,
    export,
    query_string,
    summary,
)

MARCH = {"since": "2026-03-01", "until": "2026-04-01"}


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


def buy_at_gateway(buyer: Actor, product_id: Any, *, amount: int, quantity: int) -> str:
    """Place an order and have it paid at the gateway. amount: total in cents."""
    with db.transaction() as session:
        order_id = checkouts.create_order(
            session,
            buyer=Caller(buyer.id, buyer.email, Role.USER),
            basket=Basket(product_id, quantity),
            claim=None,
            fee_bps=250,
        )
    state = CheckoutSessionState("cs_1", CheckoutSessionStatus.PAID, "pi_1", amount, "USD")
    ledger_transaction(partial(checkouts.apply_state, order_id=order_id, state=state))
    return str(order_id)


def postings(seller: Actor) -> dict[str, int]:
    """The sum of the merchant's postings by type, in cents."""
    with db.transaction() as session:
        rows = session.execute(
            text(
                "SELECT type, sum(amount) FROM wallet_transactions t"
                " JOIN wallets w ON w.id = t.wallet_id WHERE w.user_id = :user_id GROUP BY type"
            ),
            {"user_id": seller.id},
        )
        return {kind: int(amount) for kind, amount in rows}


def cents(amount: str) -> int:
    return int(amount.replace(".", ""))


def test_the_summary_agrees_with_the_ledger(
    client: FlaskClient, seller: Actor, change_settings: Callable[..., None]
) -> None:
    change_settings(platform_fee_bps=275)
    buyers = [factories.buyer("500.00") for _ in range(3)]
    guide = factories.product(seller, price="19.99", units=99, name="Guide")
    atlas = factories.product(seller, price="33.33", units=99, name="Atlas")
    create_coupon(client, seller, code="THIRD", kind="PERCENT", value="33.3")
    create_coupon(client, seller, code="FREE", kind="FIXED", value="100.00")
    purchases = ((guide, 3, "THIRD"), (atlas, 2, None), (guide, 1, "FREE"), (guide, 7, None))
    bought = [
        buy(client, buyers[number % 2], product, quantity=quantity, couponCode=code).json["id"]
        for number, (product, quantity, code) in enumerate(purchases)
    ]
    bought.append(buy_at_gateway(buyers[2], atlas, amount=9999, quantity=3))
    refund(client, seller, bought[0], units=1)
    refund(client, seller, bought[0], amount="0.07")
    refund(client, seller, bought[1])
    refund(client, seller, bought[4], units=2)

    found = summary(client, seller)

    booked = postings(seller)
    assert booked.keys() == {"EARNING", "FEE", "REFUND_OUT", "FEE_REFUND"}
    assert cents(found["revenue"]) == booked["EARNING"]
    assert cents(found["fees"]) == -booked["FEE"]
    assert cents(found["refunds"]) == -booked["REFUND_OUT"]
    assert cents(found["feeRefunds"]) == booked["FEE_REFUND"]
    assert cents(found["net"]) == sum(booked.values())
    for name in ("revenue", "refunds", "net"):
        assert sum(cents(day[name]) for day in found["days"]) == cents(found[name])
    assert sum(cents(row["net"]) for row in export(client, seller)) == cents(found["net"])
    counted = {name: found[name] for name in ("orders", "units", "buyers", "refundedUnits")}
    assert counted == {"orders": 5, "units": 16, "buyers": 3, "refundedUnits": 5}
    assert cents(found["gross"]) == 11 * 1999 + 5 * 3333
    assert found["bestProducts"] == [
        {"id": str(guide), "name": "Guide", "units": 11, "revenue": "179.93"},
        {"id": str(atlas), "name": "Atlas", "units": 5, "revenue": "166.65"},
    ]


def test_the_summary_has_the_documented_fields(client: FlaskClient, seller: Actor) -> None:
    product_id, buyer = factories.product(seller, name="Guide"), factories.buyer()
    (order_id,) = add_orders(product_id, buyer, NOON, quantity=3, discount=500)
    add_refund(order_id, NOON + DAY, amount=834, fee=25, units=1)

    found = summary(client, seller, since=NOON, until=NOON + 2 * DAY)

    nothing = {"orders": 0, "units": 0, "revenue": "0.00", "refunds": "0.00", "net": "0.00"}
    assert found == {
        "from": "2026-03-01T12:00:00.000Z",
        "to": "2026-03-03T12:00:00.000Z",
        "currency": "USD",
        "orders": 1,
        "units": 3,
        "gross": "30.00",
        "discounts": "5.00",
        "revenue": "25.00",
        "fees": "0.75",
        "refunds": "8.34",
        "feeRefunds": "0.25",
        "net": "16.16",
        "buyers": 1,
        "refundedUnits": 1,
        "bestProducts": [{"id": str(product_id), "name": "Guide", "units": 3, "revenue": "25.00"}],
        "days": [
            {
                "date": "2026-03-01",
                "orders": 1,
                "units": 3,
                "revenue": "25.00",
                "refunds": "0.00",
                "net": "24.25",
            },
            {"date": "2026-03-02"} | nothing | {"refunds": "8.34", "net": "-8.09"},
            {"date": "2026-03-03"} | nothing,
        ],
        "timeZone": "UTC",
    }
    schema = SalesSummaryOut()
    assert list(found) == [field.data_key for field in schema.fields.values()]
    days = schema.fields["days"].inner.schema.fields  # type: ignore[attr-defined]
    assert list(found["days"][0]) == [field.data_key for field in days.values()]


class TestPeriod:
    def test_orders_count_by_completion_and_refunds_by_creation(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        product_id, buyer = factories.product(seller), factories.buyer()
        (early,) = add_orders(product_id, buyer, NOON - 90 * DAY)
        add_refund(early, NOON, amount=1000, fee=25, units=1)
        (late,) = add_orders(
            product_id, buyer, NOON - 40 * DAY, method="GATEWAY", later=40 * DAY, quantity=2
        )
        add_refund(late, NOON + 90 * DAY, amount=2000, fee=50, units=2)
        add_orders(product_id, buyer, NOON, status="PENDING", method="GATEWAY", later=None)

        found = summary(client, seller, **MARCH)

        shown = {n: found[n] for n in ("orders", "revenue", "refunds", "net", "refundedUnits")}
        assert shown == {
            "orders": 1,
            "revenue": "20.00",
            "refunds": "10.00",
            "net": "9.75",
            "refundedUnits": 1,
        }

    def test_the_period_includes_its_start_and_excludes_its_end(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        product_id, buyer = factories.product(seller), factories.buyer()
        for method in ("WALLET", "GATEWAY"):
            (sold,) = add_orders(product_id, buyer, NOON, method=method)
            add_refund(sold, NOON, amount=1, fee=0)
        instant = timedelta(microseconds=1)

        def counted(since: datetime, until: datetime) -> tuple[int, str]:
            found = summary(client, seller, since=since, until=until)
            return found["orders"], found["refunds"]

        assert counted(NOON, NOON + instant) == (2, "0.02")
        assert counted(NOON - instant, NOON) == (0, "0.00")
        assert counted(NOON + instant, NOON + HOUR) == (0, "0.00")

    def test_each_day_in_utc_is_listed(self, client: FlaskClient, seller: Actor) -> None:
        product_id, buyer = factories.product(seller), factories.buyer()
        midnight = datetime(2026, 3, 5, tzinfo=UTC)
        add_orders(product_id, buyer, midnight - timedelta(seconds=1))
        add_orders(product_id, buyer, midnight, count=2, apart=timedelta(seconds=1))

        days = summary(client, seller, **MARCH)["days"]

        assert [day["date"] for day in days] == [f"2026-03-{number:02}" for number in range(1, 32)]
        assert {day["date"]: day["orders"] for day in days if day["orders"]} == {
            "2026-03-04": 1,
            "2026-03-05": 2,
        }

    def test_the_default_period_is_the_last_30_days(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        product_id, buyer = factories.product(seller), factories.buyer()
        add_orders(product_id, buyer, clock.now() - 29 * DAY)
        add_orders(product_id, buyer, clock.now() - 31 * DAY)

        found = summary(client, seller)

        assert (found["orders"], len(found["days"])) == (1, 31)
        assert summary(client, seller, until=NOON)["from"] == "2026-01-30T12:00:00.000Z"

    def test_a_period_ends_now_at_the_latest(self, client: FlaskClient, seller: Actor) -> None:
        with mock.patch("app.common.clock.now", return_value=NOON):
            found = summary(client, seller, since=NOON - DAY, until=NOON + DAY)

        assert found["to"] == "2026-03-01T12:00:00.000Z"

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ({"since": NOON, "until": NOON}, "Must be before `to`."),
            ({"since": "2999-01-01"}, "Must be before `to`, and in the past."),
            ({"until": "0001-01-01"}, "Must be before `to`, and in the past."),
            ({"since": NOON - 367 * DAY, "until": NOON}, "At most 366 days before `to`."),
            ({"since": "0001-01-01"}, "At most 366 days before `to`."),
        ],
        ids=str,
    )
    def test_an_invalid_period_is_refused(
        self, client: FlaskClient, seller: Actor, query: dict[str, Any], message: str
    ) -> None:
        answer = client.get(SUMMARY, query_string=query_string(query), headers=seller.headers)

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert answer.json["details"] == {"from": [message]}

    def test_a_period_of_a_leap_year_is_accepted(self, client: FlaskClient, seller: Actor) -> None:
        found = summary(client, seller, since="2024-01-01", until="2025-01-01")

        assert len(found["days"]) == 366


class TestScope:
    def test_sales_of_other_merchants_are_excluded(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        other = factories.product(factories.merchant())
        (sold,) = add_orders(other, factories.buyer(), NOON)
        add_refund(sold, NOON, amount=1000, fee=25)

        found = summary(client, seller, **MARCH)

        assert (found["orders"], found["refunds"], found["bestProducts"]) == (0, "0.00", [])

    @pytest.mark.parametrize("method", ["WALLET", "GATEWAY"])
    def test_the_summary_can_be_limited_to_a_product(
        self, client: FlaskClient, seller: Actor, method: str
    ) -> None:
        buyer = factories.buyer()
        guide, atlas = (factories.product(seller) for _ in range(2))
        for product in (guide, atlas, atlas):
            (sold,) = add_orders(product, buyer, NOON, method=method)
            add_refund(sold, NOON, amount=100, fee=2)

        found = summary(client, seller, productId=guide, **MARCH)

        assert (found["orders"], found["refunds"], found["net"]) == (1, "1.00", "8.77")
        assert [best["id"] for best in found["bestProducts"]] == [str(guide)]
        other = summary(client, factories.merchant(), productId=guide, **MARCH)
        assert (other["orders"], other["refunds"]) == (0, "0.00")

    def test_other_currencies_are_excluded(self, client: FlaskClient, seller: Actor) -> None:
        product_id = factories.product(seller)
        (sold,) = add_orders(product_id, factories.buyer(), NOON)
        add_refund(sold, NOON, amount=100, fee=2)
        with db.transaction() as session:
            for table in ("orders", "refunds"):
                factories.as_owner(session, f"UPDATE {table} SET currency = 'EUR'")

        found = summary(client, seller, **MARCH)

        assert (found["currency"], found["orders"], found["net"]) == ("USD", 0, "0.00")

    def test_best_products_are_the_top_ten_by_revenue(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        buyer = factories.buyer()
        products = [factories.product(seller, name=f"P{number:02}") for number in range(12)]
        for number, product in enumerate(products):
            add_orders(product, buyer, NOON, quantity=number + 1)
        add_orders(products[0], buyer, NOON, quantity=13, discount=3000)  # $110.00 of 14 units

        best = summary(client, seller, **MARCH)["bestProducts"]

        names = ["P11", "P00", "P10", "P09", "P08", "P07", "P06", "P05", "P04", "P03"]
        assert [row["name"] for row in best] == names

    def test_products_with_refunds_only_are_not_best_products(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        (sold,) = add_orders(factories.product(seller), factories.buyer(), NOON - 60 * DAY)
        add_refund(sold, NOON, amount=100, fee=2)

        assert summary(client, seller, **MARCH)["bestProducts"] == []

    def test_only_merchants_have_a_summary(self, client: FlaskClient) -> None:
        answer = client.get(SUMMARY, headers=factories.actor().headers)
        assert refusal(answer) == (403, "FORBIDDEN")
