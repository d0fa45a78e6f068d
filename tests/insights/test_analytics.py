"""A merchant's figures of a period, and of the one before it."""

import itertools
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.common.db import transaction
from app.sales import service as sales
from app.sales.daily_sums import service as daily_sums
from tests import factories
from tests.clock import freeze_clock
from tests.factories import Actor
from tests.responses import refusal
from tests.sales.helpers import DAY, HOUR, add_orders, add_refund, query_string, summary
from tests.sales.test_daily_sums import FIRST, TODAY, ZONES, sell_at_random

REPORT = "/api/v1/insights/sales"


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze_clock(monkeypatch, TODAY + 12 * HOUR)


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


def report(client: FlaskClient, seller: Actor, **query: Any) -> dict[str, Any]:
    answer = client.get(REPORT, query_string=query_string(query), headers=seller.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def new_buyers(seller: Actor, since: datetime, until: datetime) -> int:
    """Counted from the orders."""
    counted = text(
        "SELECT count(*) FROM (SELECT min(completed_at) AS first FROM orders"
        " WHERE merchant_id = :merchant AND status IN ('COMPLETED', 'REFUNDED')"
        " AND giveaway_id IS NULL GROUP BY user_id) AS buyers"
        " WHERE first >= :since AND first < :until"
    )
    values = {"merchant": seller.id, "since": since, "until": until}
    with transaction() as session:
        return int(session.execute(counted, values).scalar_one())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("summed_days", [0, 3, 9])
def test_new_buyers_are_those_whose_first_order_is_in_the_period(
    client: FlaskClient,
    seller: Actor,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    summed_days: int,
) -> None:
    sell_at_random(seller, seed)
    if summed_days:
        freeze_clock(monkeypatch, FIRST + summed_days * DAY + 2 * HOUR)
        list(daily_sums.sum_days())
        freeze_clock(monkeypatch, TODAY + 12 * HOUR)
    moments = [FIRST + hours * HOUR for hours in (0, 11, 24, 60, 100, 168, 190, 200)]
    for since, until in itertools.combinations(moments, 2):
        found = report(client, seller, since=since, until=until)["current"]
        assert found["newBuyers"] == new_buyers(seller, since, until), (since, until)
        assert found["newBuyers"] + found["returningBuyers"] == found["buyers"]


@pytest.mark.parametrize("zone", ZONES)
def test_the_figures_are_those_of_the_summary_of_both_periods(
    client: FlaskClient, seller: Actor, zone: str
) -> None:
    sell_at_random(seller, 7)
    list(daily_sums.sum_days())
    since, until = FIRST + 4 * DAY, FIRST + 7 * DAY + HOUR
    found = report(client, seller, since=since, until=until, timeZone=zone)
    of_period = summary(client, seller, since=since, until=until, timeZone=zone)
    of_before = summary(client, seller, since=since - (until - since), until=since, timeZone=zone)

    names = ("orders", "units", "revenue", "fees", "refunds", "feeRefunds", "net", "buyers")
    assert {name: found["current"][name] for name in names} == {
        name: of_period[name] for name in names
    }
    assert {name: found["before"][name] for name in names} == {
        name: of_before[name] for name in names
    }
    assert (found["days"], found["bestProducts"]) == (of_period["days"], of_period["bestProducts"])


def test_what_is_over_is_read_once_and_what_is_not_each_time(
    client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, buyer = factories.product(seller), factories.buyer()
    add_orders(product, buyer, TODAY - DAY, count=2)
    add_orders(product, buyer, TODAY + 11 * HOUR, count=1)
    past = report(client, seller)
    assert past["current"]["orders"] == 2
    assert report(client, seller, to=TODAY + 12 * HOUR)["current"]["orders"] == 3

    with monkeypatch.context() as unread:
        unread.setattr(sales, "get_totals", None)
        unread.setattr(sales, "get_days", None)
        assert report(client, seller) == past
        another = client.get(REPORT, headers=factories.merchant().headers)
        assert another.status_code == 500

    add_orders(product, buyer, TODAY + 11 * HOUR, count=1)
    assert report(client, seller, to=TODAY + 12 * HOUR)["current"]["orders"] == 4


def test_changes_are_told_in_per_cent(client: FlaskClient, seller: Actor) -> None:
    product, buyer = factories.product(seller), factories.buyer()
    (order, *_) = add_orders(product, buyer, TODAY - 3 * DAY, count=4)
    add_orders(product, buyer, TODAY - 2 * DAY, count=5)
    add_refund(order, TODAY - 2 * DAY + HOUR, amount=500, fee=0)

    found = report(client, seller, since=TODAY - 2 * DAY, until=TODAY - DAY)

    assert found["changes"] == {
        "orders": 25.0,
        "units": 25.0,
        "revenue": 25.0,
        "net": 12.18,
        "buyers": 0.0,
        "newBuyers": -100.0,
    }
    assert (found["current"]["averageOrder"], found["current"]["refundRate"]) == ("10.00", 10.0)


def test_without_sales_nothing_is_divided_by_zero(client: FlaskClient, seller: Actor) -> None:
    found = report(client, seller)
    assert set(found["changes"].values()) == {None}
    assert (found["current"]["averageOrder"], found["current"]["refundRate"]) == (None, None)
    assert found["current"]["checkouts"]["conversion"] is None
    assert len(found["days"]) == 30


def test_by_default_it_is_the_30_days_before_today_where_the_shop_is(
    client: FlaskClient, seller: Actor
) -> None:
    found = report(client, seller, timeZone="Asia/Kathmandu")
    ends = [found["current"][end][11:19] for end in ("from", "to")]
    assert (len(found["days"]), *ends) == (30, "18:15:00", "18:15:00")
    assert found["days"][-1]["date"] == (TODAY - DAY).date().isoformat()


def test_checkouts_are_counted_by_how_they_ended(client: FlaskClient, seller: Actor) -> None:
    product, buyer = factories.product(seller), factories.buyer()
    yesterday = TODAY - DAY

    def begin(count: int, status: str, product: UUID = product) -> None:
        later = HOUR if status == "COMPLETED" else None
        add_orders(
            product, buyer, yesterday, count=count, status=status, method="GATEWAY", later=later,
            apart=timedelta(minutes=1),
        )  # fmt: skip

    begin(4, "COMPLETED")
    begin(2, "FAILED")
    begin(1, "CANCELLED")
    begin(5, "PENDING")
    begin(9, "FAILED", factories.product(factories.merchant()))
    add_orders(product, buyer, yesterday)  # from the wallet: no checkout

    assert report(client, seller, since=yesterday)["current"]["checkouts"] == {
        "begun": 12,
        "paid": 4,
        "unpaid": 2,
        "cancelled": 1,
        "open": 5,
        "conversion": 57.14,
    }
    assert report(client, seller, since=yesterday + HOUR)["before"]["checkouts"]["begun"] == 12


def test_a_period_is_at_most_a_quarter_of_a_year(client: FlaskClient, seller: Actor) -> None:
    report(client, seller, since=TODAY - 90 * DAY)
    query = query_string({"since": TODAY - 94 * DAY})
    answer = client.get(REPORT, query_string=query, headers=seller.headers)
    assert refusal(answer) == (400, "VALIDATION_ERROR")
