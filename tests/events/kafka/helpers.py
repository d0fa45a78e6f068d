"""Events to publish, and what is read from Kafka."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from app.common.ids import new_id
from app.events.cloud_events import CloudEvents
from app.events.kafka.sink import KafkaSink
from app.events.kafka.topics import TopicShape
from app.events.sinks import StoredEvent

CLOUD_EVENTS = CloudEvents(
    "https://pay.example.com", "https://pay.example.com/api/v1/events/schemas"
)


def config_of(servers: Sequence[str]) -> dict[str, Any]:
    return {"bootstrap.servers": ",".join(servers), "log_level": 0}


def sink_of(servers: Sequence[str], *, seconds: float = 10.0, **config: Any) -> KafkaSink:
    shape = TopicShape(partitions=3, replication=3)
    return KafkaSink({**config_of(servers), **config}, CLOUD_EVENTS, shape, seconds=seconds)


def event(
    kind: str, aggregate_id: UUID | None = None, version: int = 1, **data: object
) -> StoredEvent:
    return StoredEvent(
        id=new_id(),
        type=kind,
        aggregate_type=kind.partition("-")[0],
        aggregate_id=aggregate_id or new_id(),
        version=version,
        schema_version=1,
        data=data,
        occurred_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    )


def publish(servers: Sequence[str], topic: str, *values: bytes) -> None:
    """What another service sends."""
    producer = Producer(config_of(servers))
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(30) == 0


@contextmanager
def reader(servers: Sequence[str], *topics: str, group: str = "reader") -> Iterator[Consumer]:
    """A consumer that reads the topics from their beginning."""
    settings = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({**config_of(servers), **settings})
    consumer.subscribe(list(topics))
    try:
        yield consumer
    finally:
        consumer.close()


def read(servers: Sequence[str], *topics: str) -> list[Message]:
    """All messages that are in the topics now, those of one partition in order."""
    consumer = Consumer({**config_of(servers), "group.id": "nobody", "enable.auto.commit": False})
    try:
        known = consumer.list_topics(timeout=10).topics
        parts = [
            TopicPartition(topic, number, OFFSET_BEGINNING)
            for topic in topics
            for number in known[topic].partitions
        ]
        ends = [consumer.get_watermark_offsets(part, timeout=10) for part in parts]
        number = sum(high - low for low, high in ends)
        consumer.assign(parts)
        found: list[Message] = []
        ends_at = time.monotonic() + 20
        while len(found) < number and time.monotonic() < ends_at:
            found += [each for each in consumer.consume(500, timeout=0.1) if not each.error()]
        return found
    finally:
        consumer.close()


def body(message: Message) -> dict[str, Any]:
    value = message.value()
    assert value is not None
    found: dict[str, Any] = json.loads(value)
    return found


def by_key(messages: Sequence[Message]) -> dict[str, list[str]]:
    """The ids of CloudEvents by the key of their messages, in the order of reading."""
    found: dict[str, list[str]] = {}
    for message in messages:
        key = message.key()
        assert isinstance(key, bytes)
        found.setdefault(key.decode(), []).append(body(message)["id"])
    return found
