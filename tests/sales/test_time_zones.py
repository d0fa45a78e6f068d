"""Days and local times of reports in the time zones of merchants."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.sales.daily_sums import service as daily_sums
from tests import factories
from tests.clock import freeze_clock
from tests.factories import Actor
from tests.responses import refusal
from tests.sales.helpers import SALES, SUMMARY, add_orders, export, ids, summary
from tests.shops.helpers import with_shop

MINUTE = timedelta(minutes=1)


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


@pytest.fixture
def product(seller: Actor) -> UUID:
    return factories.product(seller)


def sell(product: UUID, *moments: str) -> list[str]:
    buyer = factories.buyer()
    return [
        id_
        for moment in moments
        for id_ in add_orders(product, buyer, datetime.fromisoformat(moment))
    ]


def days(found: dict[str, Any]) -> dict[str, int]:
    return {day["date"]: day["orders"] for day in found["days"]}


#: Zone, day, and its first and last minute with the offset from UTC.
DAYS = [
    ("UTC", "2026-03-08", "2026-03-08T00:00+00:00", "2026-03-08T23:59+00:00"),
    ("Asia/Kolkata", "2026-03-08", "2026-03-08T00:00+05:30", "2026-03-08T23:59+05:30"),
    ("Asia/Kathmandu", "2026-03-08", "2026-03-08T00:00+05:45", "2026-03-08T23:59+05:45"),
    ("Pacific/Apia", "2026-03-08", "2026-03-08T00:00+13:00", "2026-03-08T23:59+13:00"),
    # 23 and 25 hours.
    ("America/New_York", "2026-03-08", "2026-03-08T00:00-05:00", "2026-03-08T23:59-04:00"),
    ("America/New_York", "2025-11-02", "2025-11-02T00:00-04:00", "2025-11-02T23:59-05:00"),
    # The clock goes from 23:59 to 01:00, and from 23:59 to 23:00.
    ("Africa/Cairo", "2025-04-25", "2025-04-25T01:00+03:00", "2025-04-25T23:59+03:00"),
    ("Africa/Cairo", "2025-10-30", "2025-10-30T00:00+03:00", "2025-10-30T23:59+02:00"),
]


@pytest.mark.parametrize("summed", [False, True])
@pytest.mark.parametrize(("zone", "day", "first", "last"), DAYS)
def test_a_day_is_that_of_the_time_zone(
    client: FlaskClient,
    seller: Actor,
    product: UUID,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    day: str,
    first: str,
    last: str,
    summed: bool,
) -> None:
    freeze_clock(monkeypatch, datetime(2026, 3, 15, 12, tzinfo=UTC))
    before, after = (
        (datetime.fromisoformat(moment) + step).isoformat()
        for moment, step in ((first, -MINUTE), (last, MINUTE))
    )
    sold = sell(product, before, first, last, after)
    if summed:
        assert list(daily_sums.sum_days())
    next_day = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
    previous = (datetime.fromisoformat(day) - timedelta(days=1)).date().isoformat()
    whole = {"since": previous, "until": "2026-03-15", "timeZone": zone}
    if day < "2026":
        whole["until"] = (datetime.fromisoformat(day) + timedelta(days=2)).date().isoformat()

    for filters in ({}, {"productId": product}):
        counted = days(summary(client, seller, **whole, **filters))
        assert [counted[each] for each in (previous, day, next_day)] == [1, 2, 1]
        of_day = summary(client, seller, since=day, until=next_day, timeZone=zone, **filters)
        assert (days(of_day), of_day["orders"], of_day["timeZone"]) == ({day: 2}, 2, zone)
    listed = ids(client, seller, since=day, until=next_day, timeZone=zone)
    assert listed == [sold[2], sold[1]]


def test_a_day_that_a_zone_has_skipped_is_not_listed(
    client: FlaskClient, seller: Actor, product: UUID
) -> None:
    found = summary(client, seller, since="2011-12-29", until="2012-01-01", timeZone="Pacific/Apia")
    assert list(days(found)) == ["2011-12-29", "2011-12-31"]
    assert (found["from"], found["to"]) == ("2011-12-29T10:00:00.000Z", "2011-12-31T10:00:00.000Z")


def test_the_longest_period_has_366_days_of_the_zone(client: FlaskClient, seller: Actor) -> None:
    zone = {"timeZone": "America/New_York"}
    # An hour longer than 366 times 24 hours.
    assert (
        len(summary(client, seller, since="2024-11-02", until="2025-11-03", **zone)["days"]) == 366
    )
    query = {"from": "2024-11-01", "to": "2025-11-03"} | zone
    answer = client.get(SUMMARY, query_string=query, headers=seller.headers)
    assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_the_time_zone_of_the_shop_is_the_default(
    client: FlaskClient, seller: Actor, product: UUID
) -> None:
    with_shop(client, seller, timeZone="Asia/Kolkata")
    (sold, _) = sell(product, "2026-03-01T18:30Z", "2026-03-02T18:30Z")
    day = {"since": "2026-03-02", "until": "2026-03-03"}

    found = summary(client, seller, **day)
    assert (days(found), found["timeZone"]) == ({"2026-03-02": 1}, "Asia/Kolkata")
    assert ids(client, seller, **day) == [sold]
    (row,) = export(client, seller, **day)
    assert row["createdAt"] == row["completedAt"] == "2026-03-02T00:00:00.000+05:30"
    assert row["timeZone"] == "Asia/Kolkata"
    in_utc = summary(client, seller, **day, timeZone="UTC")
    assert (days(in_utc), in_utc["timeZone"]) == ({"2026-03-02": 1}, "UTC")
    assert in_utc["from"] == "2026-03-02T00:00:00.000Z"


def test_the_export_has_the_offset_of_each_time(
    client: FlaskClient, seller: Actor, product: UUID
) -> None:
    sell(product, "2026-03-08T06:59:59Z", "2026-03-08T07:00Z")

    times = [row["createdAt"] for row in export(client, seller, timeZone="America/New_York")]

    assert times == ["2026-03-08T03:00:00.000-04:00", "2026-03-08T01:59:59.000-05:00"]
    in_newfoundland = export(client, seller, timeZone="America/St_Johns")
    assert in_newfoundland[0]["createdAt"] == "2026-03-08T04:30:00.000-02:30"
    # Only that export is local.
    assert export(client, seller)[0]["createdAt"] == "2026-03-08T07:00:00.000Z"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "asia/calcut", "+05:30", "", "../UTC", "UTC\x00"])
@pytest.mark.parametrize("path", [SALES, f"{SALES}/export", SUMMARY])
def test_an_unknown_time_zone_is_refused(
    client: FlaskClient, seller: Actor, path: str, zone: str
) -> None:
    answer = client.get(path, query_string={"timeZone": zone}, headers=seller.headers)
    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert list(answer.json["details"]) == ["timeZone"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_the_calendar_are_days_of_every_zone(
    client: FlaskClient, seller: Actor, zone: str
) -> None:
    ends = {"from": "0001-01-01", "to": "9999-12-31", "timeZone": zone}
    for path in (SALES, f"{SALES}/export"):
        assert client.get(path, query_string=ends, headers=seller.headers).status_code == 200
    ends["to"] = "0001-03-01"
    answer = client.get(SUMMARY, query_string=ends, headers=seller.headers)
    assert (answer.status_code, answer.json["orders"]) == (200, 0)


def test_purchases_of_a_merchant_have_the_days_of_the_shop(
    client: FlaskClient, seller: Actor
) -> None:
    with_shop(client, seller, timeZone="Asia/Kolkata")
    bought = factories.product(factories.merchant())
    (order, _) = (
        add_orders(bought, seller, datetime.fromisoformat(moment))
        for moment in ("2026-03-01T18:30Z", "2026-03-02T18:30Z")
    )

    query = {"from": "2026-03-02", "to": "2026-03-03"}
    answer = client.get("/api/v1/orders", query_string=query, headers=seller.headers)
    assert [row["id"] for row in answer.json["data"]] == order
