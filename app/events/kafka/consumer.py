"""Consumes what other systems request: a process of the worker.

Offsets are committed after our transaction, so a message may arrive again and is never lost.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from confluent_kafka import Consumer, KafkaException, Message
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.common import db, metrics, tracing
from app.common.errors import Unavailable
from app.common.settings import Settings
from app.events.base import Event
from app.events.kafka import service, topics
from app.events.kafka.connection import client_config
from app.events.kafka.requests import InvalidMessage, parse
from app.events.kafka.topics import TopicShape
from app.events.messages import INBOUND_TYPES

#: Messages that are handled in one transaction.
_BATCH: Final = 100
#: Seconds to wait for messages, and between attempts while Kafka or the database is away.
_POLL_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 2.0

_CONSUMER: Final = {
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "isolation.level": "read_committed",
    # After which another consumer takes over from one that was killed.
    "session.timeout.ms": 15_000,
}
RECEIVED: Final = metrics.counter(
    "payment_flow_kafka_messages_total", "Messages consumed from Kafka", "topic", "outcome"
)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Request:
    """What a message requests. span: None if it is not traced."""

    message: Message
    event: Event
    span: tracing.Span | None


def consume(
    settings: Settings, stop: threading.Event, *, report: Callable[[], object] = lambda: None
) -> None:
    """Consume until `stop` is set. Waits while brokers or the database are away.

    report: called once a second, to tell that it works.
    """
    while not stop.is_set():
        try:
            _consume(settings, stop, report)
        except KafkaException as error:
            report()
            _log.warning("kafka_unavailable", error=str(error.args[0]))
            stop.wait(_PAUSE_SECONDS)


def _consume(settings: Settings, stop: threading.Event, report: Callable[[], object]) -> None:
    config = client_config(settings)
    shape = TopicShape(settings.kafka_partitions, settings.kafka_replication)
    topics.create_missing(config, INBOUND_TYPES, shape)
    consumer = Consumer({**config, **_CONSUMER, "group.id": settings.kafka_group})
    try:
        consumer.subscribe(list(INBOUND_TYPES))
        _log.info("kafka_consumer_started", topics=list(INBOUND_TYPES))
        while not stop.is_set():
            messages = consumer.consume(_BATCH, timeout=_POLL_SECONDS)
            report()
            if received := [message for message in messages if _is_received(message)]:
                _handle_when_possible(received, stop, report)
                if not stop.is_set():
                    consumer.commit(asynchronous=False)
    finally:
        consumer.close()


def _is_received(message: Message) -> bool:
    """Whether it is a message and not an error. Raises KafkaException for what is final."""
    error = message.error()
    if error is None:
        return True
    if error.fatal():
        raise KafkaException(error)
    _log.warning("kafka_consumer_error", error=str(error))
    return False


def _handle_when_possible(
    messages: Sequence[Message], stop: threading.Event, report: Callable[[], object]
) -> None:
    """Handle messages once the database answers, unless stopped before."""
    while not stop.is_set():
        try:
            handle(messages)
        except (DBAPIError, PoolTimeout, Unavailable) as error:
            if not (isinstance(error, Unavailable) or db.is_temporary(error)):
                raise
            _log.warning("database_unavailable", error=type(error).__name__)
            report()
            stop.wait(_PAUSE_SECONDS)
        else:
            return


def handle(messages: Sequence[Message]) -> None:
    """Record the requests in `messages`. What is invalid is logged and skipped.

    Raises Unavailable, and DBAPIError or TimeoutError while the database is away.
    """
    requests: dict[UUID, _Request] = {}
    for message in messages:
        try:
            key, request = parse(message.value())
        except InvalidMessage as error:
            _count(message, "invalid")
            _log.warning("kafka_message_invalid", **_position(message), problem=str(error))
        else:
            span = tracing.begin_message(f"consume {message.topic()}", _traceparent(message))
            requests.setdefault(key, _Request(message, request, span))
    try:
        _record(requests)
    except DBAPIError as error:
        if db.is_temporary(error):
            raise
        for key, each in requests.items():
            _record_alone(key, each)


def _record(requests: Mapping[UUID, _Request]) -> None:
    events = {key: each.event for key, each in requests.items()}
    spans = {key: each.span for key, each in requests.items() if each.span is not None}
    db.retry_transaction(partial(service.record_requests, requests=events, spans=spans))
    for span in spans.values():
        tracing.export(span)
    for each in requests.values():
        _count(each.message, "handled")


def _record_alone(key: UUID, request: _Request) -> None:
    """Record one request of several that cannot be recorded together, or skip it."""
    try:
        _record({key: request})
    except DBAPIError as error:
        if db.is_temporary(error):
            raise
        _count(request.message, "failed")
        _log.exception("kafka_message_failed", **_position(request.message))


def _count(message: Message, outcome: str) -> None:
    RECEIVED.labels(message.topic(), outcome).inc()


def _traceparent(message: Message) -> str | None:
    """The header of the system that has sent it."""
    headers: Any = message.headers() or ()
    value = dict(headers).get("traceparent")
    return value.decode("ascii", "replace") if isinstance(value, bytes) else None


def _position(message: Message) -> dict[str, Any]:
    return {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
    }
