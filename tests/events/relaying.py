"""Sinks for tests of the relay, and events to deliver."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.events import service as events
from app.events.catalogue.delivery import LicenceActivated
from app.events.models import EventSink, HeldEvent, HeldStatus, OutboxEvent
from app.events.relay import service
from app.events.sinks import SinkUnavailable, StoredEvent


@dataclass
class Recorder:
    """A sink that remembers what it received. refused: events that it refuses, by id."""

    name: str = "recorder"
    types: Collection[str] | None = None
    received: list[StoredEvent] = field(default_factory=list)
    refused: set[UUID] = field(default_factory=set)
    is_away: bool = False

    def deliver(self, _: Session, events: Sequence[StoredEvent]) -> Mapping[UUID, str]:
        if self.is_away:
            raise SinkUnavailable("It is away.")
        failed: set[UUID] = set()
        failures = {}
        for event in events:
            if event.id in self.refused or event.aggregate_id in failed:
                failed.add(event.aggregate_id)
                failures[event.id] = "refused"
            else:
                self.received.append(event)
        return failures

    @property
    def seen(self) -> list[tuple[UUID, int]]:
        """The aggregate and version of each received event."""
        return [(event.aggregate_id, event.version) for event in self.received]


def activate(session: Session, *licence_ids: UUID) -> None:
    """Record an event of each of these licences."""
    events.record(
        session,
        [
            LicenceActivated(
                aggregate_id=licence_id,
                product_id=new_id(),
                merchant_id=new_id(),
                activations=1,
            )
            for licence_id in licence_ids
        ],
    )


def record(*licence_ids: UUID) -> None:
    with transaction() as session:
        activate(session, *licence_ids)


def event_of(aggregate_id: UUID) -> UUID:
    """The id of the event of an aggregate that was recorded last."""
    with transaction() as session:
        return session.scalars(
            select(OutboxEvent.id)
            .where(OutboxEvent.aggregate_id == aggregate_id)
            .order_by(OutboxEvent.sequence.desc())
            .limit(1)
        ).one()


def deliver_all(sink: Recorder) -> Recorder:
    """Give a sink everything that is due."""
    service.add_sink(sink)
    while service.deliver(sink):
        pass
    return sink


def parked_event(sink: str) -> UUID:
    """A parked event of a new sink, to which nothing has been delivered for an hour."""
    then = clock.now() - timedelta(hours=1)
    with transaction() as session:
        event = OutboxEvent(
            id=new_id(),
            type=LicenceActivated.event_type,
            aggregate_type=LicenceActivated.aggregate_type,
            aggregate_id=new_id(),
            version=1,
            schema_version=1,
            data={},
            occurred_at=then,
        )
        session.add(event)
        session.flush()
        session.add(EventSink(name=sink, position=event.sequence - 1, gaps=[], created_at=then))
        session.flush()
        held = HeldEvent(
            sink=sink,
            event_id=event.id,
            sequence=event.sequence,
            type=event.type,
            aggregate_id=event.aggregate_id,
            status=HeldStatus.PARKED,
            attempts=1,
            reason="refused",
            failed_at=then,
        )
        session.add(held)
        return event.id
