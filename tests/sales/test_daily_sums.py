"""Sums of the sales of past days, and the summaries that add them up."""

import itertools
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.common import db
from app.common.settings import PROJECT_ROOT, Settings
from app.sales.daily_sums import service, tasks
from app.sales.daily_sums.models import (
    BuyerDay,
    DailyBuyers,
    DailySales,
    QuarterHourSales,
    SummedDay,
)
from tests import factories
from tests.clock import freeze_clock
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.sales.helpers import DAY, HOUR, add_orders, add_refund, summary

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
#: Zones whose days begin at a full, a half and a quarter hour of UTC, and one far ahead of it.
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia")
#: The first day of the sales of these tests.
FIRST = TODAY - 8 * DAY


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    freeze_clock(monkeypatch, TODAY + 12 * HOUR)


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


def summed() -> list[date]:
    return list(service.sum_days())


def days_from(first: datetime, count: int) -> list[date]:
    return [(first + number * DAY).date() for number in range(count)]


def sell_at_random(seller: Actor, seed: int) -> list[str]:
    """Orders and refunds of eight days and today, some at midnight. Returns the products."""
    chance = random.Random(seed)
    buyers = [factories.buyer() for _ in range(4)]
    products = [factories.product(seller, name=f"P{number}") for number in range(3)]
    others = factories.product(factories.merchant())
    add_orders(products[1], buyers[1], FIRST + 2 * HOUR)
    for _ in range(60):
        made = FIRST + timedelta(hours=chance.randrange(2, 8 * 24), minutes=chance.choice([0, 17]))
        method = chance.choice(["WALLET", "WALLET", "GATEWAY"])
        later = chance.choice([0, 30]) * HOUR if method == "GATEWAY" else timedelta(0)
        (order,) = add_orders(
            chance.choice([*products, others]),
            chance.choice(buyers),
            made,
            method=method,
            later=later,
            quantity=chance.randint(1, 3),
            discount=chance.choice([0, 100]),
        )
        if chance.random() < 0.3:
            refunded_at = made + later + timedelta(hours=chance.randrange(48))
            add_refund(order, refunded_at, amount=chance.randint(5, 900), fee=5, units=1)
    add_orders(products[0], buyers[0], TODAY + HOUR)
    return [str(product) for product in products]


@pytest.mark.parametrize("seed", range(3))
def test_a_summary_is_the_same_before_and_after_its_days_are_summed(
    client: FlaskClient, seller: Actor, seed: int
) -> None:
    products = sell_at_random(seller, seed)
    chance = random.Random(seed)
    moments = [FIRST, TODAY, TODAY + 12 * HOUR]
    moments += [FIRST + timedelta(minutes=chance.randrange(9 * 24 * 60)) for _ in range(4)]
    moments += [FIRST + chance.randrange(9) * DAY for _ in range(3)]
    zones = itertools.cycle(ZONES)
    queries = [
        {"since": since, "until": until, "timeZone": next(zones)}
        | ({"productId": product} if product else {})
        for since in moments
        for until in moments
        for product in (None, products[0])
        if since < until <= TODAY + 12 * HOUR
    ]
    before = [summary(client, seller, **query) for query in queries]

    with_some_days = service.sum_days()
    assert [next(with_some_days) for _ in range(3)] == days_from(FIRST, 3)
    assert [summary(client, seller, **query) for query in queries] == before
    assert list(with_some_days) == days_from(FIRST + 3 * DAY, 5)
    assert [summary(client, seller, **query) for query in queries] == before


def test_a_day_of_an_older_version_gets_its_quarters_of_an_hour(
    client: FlaskClient, seller: Actor
) -> None:
    sell_at_random(seller, seed=4)
    query = {"since": FIRST, "until": TODAY, "timeZone": "Asia/Kathmandu"}
    before = summary(client, seller, **query)
    summed()
    with db.transaction() as session:
        factories.as_owner(session, "DELETE FROM quarter_hour_sales")
        factories.as_owner(session, "UPDATE summed_days SET quarters_summed_at = NULL")

    with_some_days = service.sum_days()
    for day in days_from(FIRST, 8):
        assert summary(client, seller, **query) == before
        assert broken_sums() == []
        assert next(with_some_days) == day
    assert list(with_some_days) == []
    assert summary(client, seller, **query) == before
    assert broken_sums() == []


def test_days_that_were_summed_are_not_read_again(client: FlaskClient, seller: Actor) -> None:
    product_id, buyer = factories.product(seller), factories.buyer()
    add_orders(product_id, buyer, FIRST + HOUR, count=2)
    summed()
    with db.transaction() as session:
        factories.as_owner(session, "UPDATE daily_sales SET orders = 7")
        factories.as_owner(session, "UPDATE daily_buyers SET buyers = 5")
        factories.as_owner(session, "UPDATE quarter_hour_sales SET orders = 3")

    found = summary(client, seller, since=FIRST, until=TODAY)

    assert (found["orders"], found["buyers"]) == (7, 5)
    assert [day["orders"] for day in found["days"]] == [6, 0, 0, 0, 0, 0, 0, 0]


def test_nothing_is_said_of_the_buyers_of_others(client: FlaskClient, seller: Actor) -> None:
    other = factories.merchant()
    product_id = factories.product(other)
    add_orders(product_id, factories.buyer(), FIRST + 2 * HOUR, count=2)
    summed()

    for foreign in (product_id, other.id):
        found = summary(client, seller, since=FIRST, until=TODAY, productId=foreign)
        assert (found["orders"], found["buyers"], found["bestProducts"]) == (0, 0, [])


def test_a_day_is_summed_an_hour_after_its_end(
    client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_orders(factories.product(seller), factories.buyer(), TODAY - HOUR)

    freeze_clock(monkeypatch, TODAY + HOUR - timedelta(seconds=1))
    assert summed() == []
    freeze_clock(monkeypatch, TODAY + HOUR)
    assert summed() == [(TODAY - DAY).date()]
    assert summed() == []


def test_without_orders_nothing_is_summed(app: Flask) -> None:
    assert summed() == []
    assert rows_of_all_tables() == [0, 0, 0, 0, 0]


def test_the_first_day_is_that_of_the_first_order(client: FlaskClient, seller: Actor) -> None:
    add_orders(factories.product(seller), factories.buyer(), TODAY - 3 * DAY + 2 * HOUR)
    assert tasks.sum_days() == 3
    assert tasks.sum_days() == 0


def test_days_without_sales_have_no_rows(client: FlaskClient, seller: Actor) -> None:
    add_orders(factories.product(seller), factories.buyer(), FIRST + 2 * HOUR, count=3)
    summed()
    assert rows_of_all_tables() == [8, 1, 2, 2, 6]


def test_the_sums_can_be_made_anew(client: FlaskClient, seller: Actor) -> None:
    sell_at_random(seller, seed=9)
    summed()
    before = rows_of_all_tables()
    with db.transaction() as session:
        factories.as_owner(session, "UPDATE daily_sales SET revenue = revenue + 1")

    service.delete_all()
    assert rows_of_all_tables() == [0, 0, 0, 0, 0]
    assert len(summed()) == 8

    assert rows_of_all_tables() == before
    assert broken_sums() == []


@pytest.mark.parametrize("rebuilds", [0, 2])
def test_processes_that_sum_at_the_same_time_count_nothing_twice(
    committing: Flask, rebuilds: int
) -> None:
    sell_at_random(factories.merchant(), seed=5)
    summed()

    def run(number: int) -> None:
        with committing.app_context():
            if number < rebuilds:
                service.delete_all()
            summed()

    service.delete_all()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(run, range(4)))

    assert rows_of_all_tables()[0] == 8
    assert broken_sums() == []


def test_the_command_rebuilds_the_sums(committing: Flask, settings: Settings) -> None:
    sell_at_random(factories.merchant(), seed=7)
    url = db.current().engine.url.render_as_string(hide_password=False)
    environment = os.environ | {"DATABASE_URL": url, "REDIS_URL": str(settings.redis_url)}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "app.cli", "sum-sales", *arguments]
        return subprocess.run(
            command, cwd=PROJECT_ROOT, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert run("--rebuild").startswith(f"Summed {FIRST.date()} to ")
    assert run() == "Every past day was summed before.\n"
    assert broken_sums() == []


def rows_of_all_tables() -> list[int]:
    with db.reading() as session:
        return [
            session.scalars(select(func.count()).select_from(table)).one()
            for table in (SummedDay, DailySales, BuyerDay, DailyBuyers, QuarterHourSales)
        ]


def broken_sums() -> list[str]:
    return [name for name in broken_invariants() if "sum" in name or "buyers" in name]
