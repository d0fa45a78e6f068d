"""Publishing events in Redis Streams."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
import redis
from flask import Flask
from sqlalchemy.orm import Session

from app.common import cache, redis_client
from app.common.ids import new_id
from app.common.settings import Settings
from app.events.redis_stream import RedisStreamSink
from app.events.sinks import SinkUnavailable, StoredEvent
from tests.events.kafka.helpers import CLOUD_EVENTS, event

#: The sink writes nothing in the transaction of its caller.
NO_SESSION = cast("Session", None)


@pytest.fixture
def client(worker_app: Flask, settings: Settings) -> Iterator[redis.Redis]:
    assert settings.redis_url is not None
    found = redis_client.connect(settings.redis_url, timeout=5.0)
    yield found
    cache.client().flushdb()


@pytest.fixture
def sink(client: redis.Redis) -> RedisStreamSink:
    return RedisStreamSink(client, CLOUD_EVENTS, max_length=100)


def read(client: redis.Redis, kind: str) -> list[dict[str, Any]]:
    entries = cast("list[Any]", client.xrange(f"events:{kind}"))
    return [json.loads(fields[b"event"]) for _, fields in entries]


def deliver(sink: RedisStreamSink, *events: StoredEvent) -> dict[Any, str]:
    return dict(sink.deliver(NO_SESSION, events))


def test_events_are_cloud_events_in_the_stream_of_their_type(
    client: redis.Redis, sink: RedisStreamSink
) -> None:
    wallet = new_id()
    events = [event("balance-updated", wallet, n, balance=n) for n in range(1, 4)]
    order = event("order-completed")

    assert deliver(sink, *events, order) == {}

    sent = read(client, "balance-updated")
    assert [each["id"] for each in sent] == [str(each.id) for each in events]
    assert [each["data"] for each in sent] == [{"balance": n} for n in range(1, 4)]
    assert [each["subject"] for each in read(client, "order-completed")] == [
        f"order/{order.aggregate_id}"
    ]


def test_a_transfer_is_published_as_the_steps_of_a_payment(
    client: redis.Redis, sink: RedisStreamSink
) -> None:
    parties = {"senderId": str(new_id()), "receiverId": str(new_id())}

    deliver(sink, event("transfer-completed", **parties, amount=500, currency="USD"))

    assert read(client, "debit-completed")[0]["data"]["userId"] == parties["senderId"]
    assert read(client, "credit-completed")[0]["data"]["userId"] == parties["receiverId"]
    assert len(read(client, "transaction-completed")) == 1


def test_a_stream_keeps_about_its_maximum_length(
    client: redis.Redis, sink: RedisStreamSink
) -> None:
    for _ in range(4):
        deliver(sink, *(event("payout-paid") for _ in range(200)))

    assert 100 <= int(client.xlen("events:payout-paid")) < 300


def test_without_redis_it_is_unavailable() -> None:
    sink = RedisStreamSink(
        redis_client.connect("redis://127.0.0.1:1/0"), CLOUD_EVENTS, max_length=100
    )

    with pytest.raises(SinkUnavailable, match="Redis does not answer"):
        deliver(sink, event("payout-paid"))


def test_a_key_that_is_no_stream_refuses_its_type_only(
    client: redis.Redis, sink: RedisStreamSink
) -> None:
    client.set("events:payout-paid", "text")
    refused, published = event("payout-paid"), event("payout-refused")

    assert deliver(sink, refused, published) == {refused.id: "events:payout-paid is not a stream"}
    assert len(read(client, "payout-refused")) == 1
