"""Consuming what other services request, on the mock cluster of librdkafka."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.common import tracing
from app.common.db import transaction
from app.common.ids import new_id
from app.common.settings import Settings
from app.common.tracing import Span, SpanContext, Tracing
from app.events.kafka import consumer, service
from app.events.kafka.models import ReceivedMessage
from app.events.kafka.requests import MAX_BYTES, InvalidMessage, parse
from app.events.models import OutboxEvent
from tests.events.kafka.helpers import config_of, publish
from tests.events.kafka.mock_cluster import MockCluster, mock_cluster

TOPIC = "notification-request"
USER = "019a1b2c-3d4e-7f60-8a9b-0c1d2e3f4a5b"


def request(message_id: str = "1", *, source: str = "/billing", **data: object) -> dict[str, Any]:
    values = {"userId": USER, "subject": "Your plan", "text": "It ends\nin May.", **data}
    return {"specversion": "1.0", "id": message_id, "source": source, "type": TOPIC, "data": values}


def encoded(message_id: str = "1", **values: Any) -> bytes:
    return json.dumps(request(message_id, **values)).encode()


class TestParsing:
    def test_a_request_is_an_event_of_its_user(self) -> None:
        _, event = parse(encoded(link="https://plans.example.com/"))

        assert str(event.aggregate_id) == USER
        assert (event.subject, event.text) == ("Your plan", "It ends\nin May.")
        assert event.link == "https://plans.example.com/"

    def test_messages_are_told_apart_by_source_and_id(self) -> None:
        keys = {
            parse(encoded(message_id, source=source))[0]
            for message_id, source in (("1", "/a"), ("2", "/a"), ("1", "/b"), ("1", "/a"))
        }

        assert len(keys) == 3

    def test_further_attributes_and_fields_are_ignored(self) -> None:
        message = request(colour="red") | {"traceparent": "00-0af7651916cd43dd8448eb211c80319c"}

        parse(json.dumps(message).encode())

    @pytest.mark.parametrize(
        "message",
        [
            None,
            b"",
            b"hello",
            b"[]",
            b"{}",
            b"x" * (MAX_BYTES + 1),
            b'{"id": "\xff"}',
            encoded(userId="me"),
            encoded(subject=""),
            encoded(subject="x" * 201),
            encoded(subject="a\x00b"),
            encoded(text="x" * 5001),
            encoded(link="http://plans.example.com/"),
            encoded(link="javascript:alert(1)"),
            encoded(""),
            json.dumps(request() | {"type": "order-completed"}).encode(),
            json.dumps(request() | {"specversion": "0.3"}).encode(),
        ],
    )
    def test_what_is_no_request_is_refused(self, message: bytes | None) -> None:
        with pytest.raises(InvalidMessage):
            parse(message)

    def test_the_reason_does_not_repeat_the_message(self) -> None:
        with pytest.raises(InvalidMessage) as raised:
            parse(encoded(userId="a secret", text="\x07 another secret"))

        assert "secret" not in str(raised.value)


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockCluster]:
    with mock_cluster() as running:
        running.create([TOPIC])
        yield running


@pytest.fixture
def kafka_settings(cluster: MockCluster, settings: Settings) -> Settings:
    """With a group of the test's own, which reads the messages of earlier tests, too."""
    return replace(
        settings, kafka_bootstrap_servers=cluster.servers, kafka_group=f"group-{new_id()}"
    )


@contextmanager
def consuming(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=consumer.consume, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def recorded(source: str) -> list[str]:
    """The subjects of recorded requests that begin with `source`."""
    with transaction() as session:
        data = session.scalars(
            select(OutboxEvent.data).where(OutboxEvent.type == TOPIC).order_by(OutboxEvent.sequence)
        )
        return [row["subject"] for row in data if row["subject"].startswith(source)]


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    ends_at = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends_at:
        time.sleep(0.05)
    assert condition()


def committed(settings: Settings) -> int:
    """Messages whose offset the group has committed."""
    group = {"group.id": settings.kafka_group}
    found = Consumer({**config_of(settings.kafka_bootstrap_servers), **group})
    try:
        parts = found.committed([TopicPartition(TOPIC, n) for n in range(3)], timeout=10)
        return sum(max(part.offset, 0) for part in parts)
    finally:
        found.close()


class TestConsuming:
    def test_requests_are_recorded_once_and_invalid_ones_are_skipped(
        self, committing: Flask, kafka_settings: Settings
    ) -> None:
        values = [encoded(str(n), subject=f"first {n}") for n in range(20)]
        publish(kafka_settings.kafka_bootstrap_servers, TOPIC, *values, b"no", *values[:5])

        with consuming(kafka_settings):
            wait_until(lambda: committed(kafka_settings) >= 26)

        assert sorted(recorded("first")) == sorted(f"first {n}" for n in range(20))

    @pytest.mark.stress
    def test_after_a_restart_what_is_delivered_again_has_no_effect(
        self, committing: Flask, kafka_settings: Settings, monkeypatch: Any
    ) -> None:
        publish(kafka_settings.kafka_bootstrap_servers, TOPIC, encoded("r", subject="again"))

        with consuming(kafka_settings):
            wait_until(lambda: recorded("again") == ["again"])
        # A group that has committed nothing reads the topic from its beginning.
        other_group = replace(kafka_settings, kafka_group=f"group-{new_id()}")
        with consuming(other_group):
            wait_until(lambda: committed(other_group) > 0)

        assert recorded("again") == ["again"]

    @pytest.mark.stress
    def test_without_a_database_messages_wait(
        self, committing: Flask, kafka_settings: Settings, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(consumer, "_PAUSE_SECONDS", 0.05)
        attempts = []
        record = service.record_requests

        def record_later(*args: Any, **kwargs: Any) -> int:
            attempts.append(1)
            if len(attempts) < 5:
                raise lost_connection()
            return record(*args, **kwargs)

        monkeypatch.setattr(service, "record_requests", record_later)
        publish(kafka_settings.kafka_bootstrap_servers, TOPIC, encoded("w", subject="waits"))

        with consuming(kafka_settings):
            wait_until(lambda: recorded("waits") == ["waits"])

        assert len(attempts) >= 5

    @pytest.mark.stress
    def test_without_brokers_it_waits_for_them(
        self, cluster: MockCluster, committing: Flask, kafka_settings: Settings
    ) -> None:
        publish(kafka_settings.kafka_bootstrap_servers, TOPIC, encoded("b", subject="back"))
        cluster.stop(1, 2, 3)
        returns = threading.Timer(2.0, cluster.start, [1, 2, 3])
        returns.start()

        with consuming(kafka_settings):
            wait_until(lambda: recorded("back") == ["back"])


class TestRecording:
    def test_one_request_that_cannot_be_recorded_does_not_stop_the_others(
        self, app: Flask, monkeypatch: Any
    ) -> None:
        record = service.record_requests

        def refuse_some(session: Any, *, requests: Any, spans: Any) -> int:
            if any(each.subject == "bad" for each in requests.values()):
                raise OperationalError("INSERT", {}, Exception("defect"))
            return record(session, requests, spans)

        monkeypatch.setattr(consumer.db, "is_temporary", lambda _: False)
        monkeypatch.setattr(service, "record_requests", refuse_some)
        good, bad = parse(encoded("1", subject="good")), parse(encoded("2", subject="bad"))
        messages = [
            FakeMessage(encoded("1", subject="good")),
            FakeMessage(encoded("2", subject="bad")),
        ]

        consumer.handle(messages)  # type: ignore[arg-type]

        assert good[0] != bad[0]
        assert recorded("") == ["good"]

    def test_a_repeated_request_is_no_new_one(self, app: Flask) -> None:
        requests = dict([parse(encoded("1")), parse(encoded("2"))])

        with transaction() as session:
            first = service.record_requests(session, requests)
        with transaction() as session:
            second = service.record_requests(session, requests)

        assert (first, second) == (2, 0)
        with transaction() as session:
            assert len(session.scalars(select(ReceivedMessage)).all()) == 2

    def test_the_trace_of_the_sender_is_continued(self, app: Flask) -> None:
        spans: list[Span] = []
        tracing.tracing.configure(Tracing(SimpleNamespace(export=spans.append)))
        parent = SpanContext(1, 2)
        traced = FakeMessage(encoded("1"), [("traceparent", str(parent).encode())])

        consumer.handle([traced, FakeMessage(encoded("2"), [("traceparent", None)])])  # type: ignore[list-item]

        span, other = spans
        assert (span.name, span.parent) == (f"consume {TOPIC}", parent)
        assert other.context.trace_id != parent.trace_id
        with transaction() as session:
            contexts = session.scalars(select(OutboxEvent.trace_context)).all()
        assert {str(span.context), str(other.context)} == set(contexts)


class FakeMessage:
    def __init__(self, value: bytes, headers: Any = None) -> None:
        self._value, self._headers = value, headers

    def headers(self) -> Any:
        return self._headers

    def value(self) -> bytes:
        return self._value

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 0


def lost_connection() -> OperationalError:
    import psycopg

    error = OperationalError("SELECT", {}, psycopg.OperationalError("connection refused"))
    error.connection_invalidated = True
    return error
