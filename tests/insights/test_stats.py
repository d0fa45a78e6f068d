"""Figures of the system, and the feed over HTTP."""

from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from app.common import clock
from tests import factories
from tests.factories import Actor
from tests.insights.helpers import purchase, refusal, relay, review

STATS = "/api/v1/insights/stats"
FEED = "/api/v1/insights/transactions"
MINUTE = timedelta(minutes=1)


def get(client: FlaskClient, path: str, who: Actor, **query: Any) -> Any:
    answer = client.get(path, query_string=query, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_transactions_are_counted_by_outcome_currency_and_minute(client: FlaskClient) -> None:
    buyer, seller = factories.buyer(), factories.merchant()
    now = clock.now().replace(second=30)
    relay(
        purchase(buyer, seller, at=now - MINUTE, latencyMs=10),
        purchase(buyer, seller, at=now - MINUTE, amount=501, latencyMs=30),
        purchase(buyer, seller, at=now - 2 * MINUTE, amount=700, currency="EUR"),
        refusal(buyer, at=now - 2 * MINUTE, latencyMs=5),
        review(buyer, at=now - 2 * MINUTE, latencyMs=15),
        purchase(buyer, seller, at=now - timedelta(hours=2)),
    )

    found = get(client, STATS, factories.admin())

    assert (found["total"], found["approved"], found["declined"], found["reviewed"]) == (5, 4, 1, 1)
    assert (found["approvalRate"], found["lastMinute"]) == (80.0, 2)
    assert found["averageLatencyMs"] == 15.0
    assert found["totals"] == [
        {
            "currency": "EUR",
            "approved": 1,
            "declined": 0,
            "reviewed": 0,
            "volume": "7.00",
            "averageAmount": "7.00",
        },
        {
            "currency": "USD",
            "approved": 3,
            "declined": 1,
            "reviewed": 1,
            "volume": "25.01",
            "averageAmount": "8.34",
        },
    ]
    latest, before = found["minutes"]
    assert (latest["transactions"], before["transactions"]) == (2, 2)
    assert [each["volume"] for each in before["sums"]] == ["7.00", "0.00"]


def test_without_anything_there_are_no_rates(client: FlaskClient) -> None:
    found = get(client, STATS, factories.admin())
    assert (found["total"], found["approvalRate"], found["averageLatencyMs"]) == (0, None, None)
    assert (found["minutes"], found["totals"]) == ([], [])
    assert (found["requests"]["total"], found["requests"]["p99Ms"]) == (0, None)
    assert (found["uptime"]["since"], found["uptime"]["percent"]) == (None, None)


def test_everybody_sees_their_own_transactions_and_administrators_all(client: FlaskClient) -> None:
    buyer, seller, other = factories.buyer(), factories.merchant(), factories.merchant()
    relay(
        purchase(buyer, seller, amount=100, riskScore="0.1250", latencyMs=3),
        purchase(buyer, other, amount=200),
        purchase(seller, other, amount=300),
        refusal(buyer, amount=400),
    )

    def amounts(who: Actor) -> list[str]:
        return [row["amount"] for row in get(client, FEED, who)["data"]]

    assert amounts(factories.admin()) == ["4.00", "3.00", "2.00", "1.00"]
    assert amounts(buyer) == ["4.00", "2.00", "1.00"]
    assert amounts(seller) == ["3.00", "1.00"]
    assert amounts(factories.buyer()) == []
    first = get(client, FEED, buyer)["data"][-1]
    assert (first["riskScore"], first["latencyMs"], first["declineReason"]) == ("0.1250", 3, None)
    assert "userId" not in first


def test_the_feed_has_pages_of_50(client: FlaskClient) -> None:
    buyer, seller = factories.buyer(), factories.merchant()
    relay(*(purchase(buyer, seller, amount=number) for number in range(1, 61)))
    first = get(client, FEED, seller)
    second = get(client, FEED, seller, cursor=first["meta"]["nextCursor"])
    assert [len(first["data"]), len(second["data"])] == [50, 10]
    assert second["data"][-1]["amount"] == "0.01"


def test_an_api_key_reads_the_feed_of_its_merchant(app: Flask, client: FlaskClient) -> None:
    buyer, seller = factories.buyer(), factories.merchant()
    relay(purchase(buyer, seller), purchase(buyer, factories.merchant()))
    key = factories.api_key(seller, factories.Scope.WALLET_READ)
    assert len(client.get(FEED, headers=key.headers).json["data"]) == 1
