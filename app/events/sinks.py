"""What the relay delivers events to."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of the outbox.

    version: its position among the events of its aggregate, from 1 and without gaps;
    schema_version: of the fields of `data`, which are as docs/events.md lists them; trace_context:
    as of `OutboxEvent`.
    """

    id: UUID
    type: str
    aggregate_type: str
    aggregate_id: UUID
    version: int
    schema_version: int
    data: Mapping[str, Any]
    occurred_at: datetime
    trace_context: str | None = None


class SinkUnavailable(Exception):
    """The sink cannot be reached. It is tried again, and nothing is lost; one sentence says why."""


class Sink(Protocol):
    """Receives the events of its types, those of one aggregate in order, each at least once.

    name: stable, because the sink's progress is stored under it; types: the types of events that it
    receives, None for all.
    """

    @property
    def name(self) -> str: ...

    @property
    def types(self) -> Collection[str] | None: ...

    def deliver(self, session: Session, events: Sequence[StoredEvent]) -> Mapping[UUID, str]:
        """Deliver events; `session` is the transaction in which the progress is stored.

        Returns the ids of those that could not be delivered, each with the reason. Raises
        SinkUnavailable if none can be delivered now.
        """
        ...


#: Does what follows from events, in the given transaction and with nothing outside it, so that each
#: event has its effect exactly once. It may raise for any of them: then they are handled one by
#: one, and only what fails alone is retried later.
Handle = Callable[[Session, Sequence[StoredEvent]], None]
