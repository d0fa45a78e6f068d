"""Events in Redis Streams, one stream for each type."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import redis
from sqlalchemy.orm import Session

from app.events.cloud_events import CloudEvents
from app.events.messages import PUBLISHED_EVENTS, messages_of
from app.events.sinks import SinkUnavailable, StoredEvent

#: Before the type in the name of a stream.
PREFIX: Final = "events:"
#: The field of an entry that has the CloudEvent.
FIELD: Final = "event"


class RedisStreamSink:
    """Appends each message of an event to the stream of its type.

    max_length: entries that each stream keeps, approximately. Redis decides alone what becomes of
    them: after a loss of its memory, or once a stream is full, they are gone.
    """

    name = "redis-streams"
    types = frozenset(PUBLISHED_EVENTS)

    def __init__(self, client: redis.Redis, cloud_events: CloudEvents, *, max_length: int) -> None:
        self._client = client
        self._cloud_events = cloud_events
        self._max_length = max_length

    def deliver(self, session: Session, events: Sequence[StoredEvent]) -> Mapping[UUID, str]:
        """Append the messages of `events`, in order. A stream that is something else refuses its
        type only."""
        messages = [(event.id, message) for event in events for message in messages_of(event)]
        replies = self._append([message for _, message in messages])
        refused = {}
        for (event_id, message), reply in zip(messages, replies, strict=True):
            if isinstance(reply, redis.ResponseError) and str(reply).startswith("WRONGTYPE"):
                refused[event_id] = f"{PREFIX}{message.type} is not a stream"
            elif isinstance(reply, Exception):
                raise SinkUnavailable(f"Redis refuses to append: {_text(reply)}.")
        return refused

    def _append(self, messages: Sequence[StoredEvent]) -> list[Any]:
        """The reply to each message. Raises SinkUnavailable if Redis does not answer."""
        with self._client.pipeline(transaction=False) as pipeline:
            for message in messages:
                pipeline.xadd(
                    PREFIX + message.type,
                    {FIELD: self._cloud_events.serialize(message)},
                    maxlen=self._max_length,
                    approximate=True,
                )
            try:
                return pipeline.execute(raise_on_error=False)
            except redis.RedisError as error:
                raise SinkUnavailable(f"Redis does not answer: {_text(error)}.") from error


def _text(error: Exception) -> str:
    return str(error).rstrip(".")
