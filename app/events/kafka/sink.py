"""Publishes events in Kafka.

Messages of one aggregate are published in order. Kafka keeps the order of messages with one key in
one topic only, so an event in another topic is sent once its predecessor is acknowledged.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Self
from uuid import UUID

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from sqlalchemy.orm import Session

from app.common import circuit
from app.common.settings import Settings
from app.events.cloud_events import MEDIA_TYPE, CloudEvents
from app.events.kafka import topics
from app.events.kafka.connection import client_config
from app.events.kafka.topics import TopicShape
from app.events.messages import MESSAGE_TYPES, PUBLISHED_EVENTS, messages_of
from app.events.sinks import SinkUnavailable, StoredEvent

#: The name of the circuit breaker.
CIRCUIT: Final = "kafka"
#: Seconds until brokers that did not answer are tried again.
RESET_SECONDS: Final = 10
#: Seconds that a delivery may take: less than PostgreSQL lets the transaction of the caller wait.
DELIVERY_SECONDS: Final = 8.0

_PRODUCER: Final = {
    "enable.idempotence": True,
    "acks": "all",
    # After a message that is refused, nothing that follows it is sent.
    "enable.gapless.guarantee": True,
    # Messages do not expire, which could leave a gap: the delivery that gives up discards all.
    "message.timeout.ms": 0,
    "compression.type": "lz4",
    # A delivery hands over all of its messages at once.
    "linger.ms": 1,
    # That of the Java client, so that a key has one partition whatever publishes it.
    "partitioner": "murmur2_random",
}
_HEADERS: Final = {"content-type": f"{MEDIA_TYPE}; charset=UTF-8"}
_POLL_SECONDS: Final = 0.1
#: Errors that one message causes; all others concern the cluster, or a topic of it.
_OF_MESSAGES: Final = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
    KafkaError.RECORD_LIST_TOO_LARGE,
}

#: What librdkafka calls when a message is acknowledged, or an error is final.
Report = Callable[[KafkaError | None, Message], None]


class _Refused(Exception):
    """Kafka refuses a message, or all messages of a request because of one of them."""


@dataclass(slots=True)
class _Reports:
    """What the brokers have said. pending: messages that are not acknowledged, by their event."""

    pending: Counter[UUID] = field(default_factory=Counter)
    errors: list[KafkaError] = field(default_factory=list)

    def report(self, event_id: UUID, error: KafkaError | None, _: Message) -> None:
        """What librdkafka calls for each message."""
        if error is None:
            self.pending[event_id] -= 1
        else:
            self.errors.append(error)

    def acknowledged(self) -> set[UUID]:
        return {event_id for event_id, left in self.pending.items() if left == 0}

    def refusal(self) -> KafkaError | None:
        """The error that a message has caused, if one has."""
        return next((error for error in self.errors if error.code() in _OF_MESSAGES), None)


@dataclass(slots=True)
class _Refusals:
    """Events that were not published: those that Kafka refuses, and their successors."""

    reasons: dict[UUID, str] = field(default_factory=dict)
    aggregates: set[UUID] = field(default_factory=set)

    def add(self, event: StoredEvent, reason: str) -> None:
        self.reasons[event.id] = reason
        self.aggregates.add(event.aggregate_id)

    def admit(self, event: StoredEvent) -> bool:
        """Whether the event may be published."""
        if event.aggregate_id in self.aggregates:
            self.add(event, "An earlier event of the aggregate was not published.")
            return False
        return True


class KafkaSink:
    """Publishes each message of an event in the topic of its type, with the aggregate as its key.

    seconds: that a delivery may take.
    """

    name = "kafka"
    types = frozenset(PUBLISHED_EVENTS)

    def __init__(
        self,
        config: Mapping[str, Any],
        cloud_events: CloudEvents,
        shape: TopicShape,
        *,
        seconds: float = DELIVERY_SECONDS,
    ) -> None:
        self._config = dict(config)
        self._cloud_events = cloud_events
        self._shape = shape
        self._seconds = seconds
        self._ends_at = 0.0
        self._producer: Producer | None = None
        self._connection_error: KafkaError | None = None
        #: Events of a delivery that has failed, so that they are not published again.
        self._acknowledged: set[UUID] = set()

    @classmethod
    def from_settings(cls, settings: Settings, cloud_events: CloudEvents) -> Self:
        shape = TopicShape(settings.kafka_partitions, settings.kafka_replication)
        return cls(client_config(settings), cloud_events, shape)

    def deliver(self, session: Session, events: Sequence[StoredEvent]) -> Mapping[UUID, str]:
        """Publish `events`. Returns those that Kafka refuses, and what follows them in their
        aggregates. Raises SinkUnavailable within `seconds`, or as long as creating topics takes."""
        try:
            return circuit.call(
                CIRCUIT,
                lambda: self._deliver(events),
                failure=SinkUnavailable,
                reset_seconds=RESET_SECONDS,
            )
        except circuit.CircuitOpen:
            raise SinkUnavailable("Kafka did not answer a moment ago.") from None

    def _deliver(self, events: Sequence[StoredEvent]) -> Mapping[UUID, str]:
        if self._producer is None:
            self._connect()
        self._ends_at = time.monotonic() + self._seconds
        refusals = _Refusals()
        for wave in _waves(event for event in events if event.id not in self._acknowledged):
            self._publish([event for event in wave if refusals.admit(event)], refusals)
        self._acknowledged.clear()
        return refusals.reasons

    def _publish(self, events: Sequence[StoredEvent], refusals: _Refusals) -> None:
        """Publish events that need not wait for each other. Raises SinkUnavailable."""
        try:
            self._send(events)
        except _Refused:
            # Alone, each shows whether it is the cause.
            for event in events:
                if event.id not in self._acknowledged and refusals.admit(event):
                    try:
                        self._send([event])
                    except _Refused as error:
                        refusals.add(event, str(error))

    def _send(self, events: Sequence[StoredEvent]) -> None:
        """Send the messages of `events` and wait until all are acknowledged.

        Raises _Refused and SinkUnavailable; some may be acknowledged nevertheless.
        """
        producer = self._producer or self._connect()
        reports = _Reports()
        try:
            for event in events:
                for message in messages_of(event):
                    reports.pending[event.id] += 1
                    self._produce(producer, message, partial(reports.report, event.id))
        except KafkaException as error:  # too large for the client
            reports.errors.append(error.args[0])
        self._wait(producer, reports)
        self._acknowledged |= reports.acknowledged()
        if not reports.errors and not len(producer):
            return
        self._disconnect(producer)
        if refusal := reports.refusal():
            raise _Refused(f"Kafka refuses the message: {refusal.str()}.")
        raise SinkUnavailable(_sentence(*reports.errors, self._connection_error))

    def _wait(self, producer: Producer, reports: _Reports) -> None:
        """Wait until each message is acknowledged or has failed, or the time is over."""
        while len(producer) and time.monotonic() < self._ends_at:
            try:
                # Not `flush`, which breaks on an error that is fatal for the producer.
                producer.poll(_POLL_SECONDS)
            except KafkaException as error:
                reports.errors.append(error.args[0])

    def _produce(self, producer: Producer, message: StoredEvent, report: Report) -> None:
        """Hand a message to the producer, which sends it in the background."""
        producer.produce(
            message.type,
            self._cloud_events.serialize(message),
            key=str(message.aggregate_id),
            headers=_headers(message),
            timestamp=int(message.occurred_at.timestamp() * 1000),
            on_delivery=report,
        )

    def _connect(self) -> Producer:
        """Create missing topics and a producer. Raises SinkUnavailable."""
        try:
            topics.create_missing(self._config, MESSAGE_TYPES, self._shape)
        except KafkaException as error:
            raise SinkUnavailable(_sentence(error.args[0])) from error
        self._connection_error = None
        self._producer = Producer(
            {**self._config, **_PRODUCER, "error_cb": self._keep_connection_error}
        )
        return self._producer

    def _disconnect(self, producer: Producer) -> None:
        """Discard what was not acknowledged: an order that is broken cannot be continued."""
        producer.purge()
        self._producer = None

    def _keep_connection_error(self, error: KafkaError) -> None:
        self._connection_error = error


def _headers(message: StoredEvent) -> dict[str, str | bytes | None]:
    if message.trace_context is None:
        return {**_HEADERS}
    return {**_HEADERS, "traceparent": message.trace_context}


def _waves(events: Iterable[StoredEvent]) -> Iterator[list[StoredEvent]]:
    """Events of one aggregate that follow each other in one topic, and all of other aggregates.

    An event in another topic, or in several, is in a later list than its predecessor.
    """
    waves: list[list[StoredEvent]] = []
    last: dict[UUID, tuple[int, str | None]] = {}
    for event in events:
        messages = messages_of(event)
        topic = messages[0].type if len(messages) == 1 else None
        position, previous = last.get(event.aggregate_id, (0, topic))
        if event.aggregate_id in last and (topic is None or topic != previous):
            position += 1
        if position == len(waves):
            waves.append([])
        waves[position].append(event)
        last[event.aggregate_id] = position, topic
    return iter(waves)


def _sentence(*errors: KafkaError | None) -> str:
    for error in errors:
        if error is not None:
            return f"Kafka does not accept events: {error.str()}."
    return "Kafka did not acknowledge the events in time."
