"""Transactional outbox (https://microservices.io/patterns/data/transactional-outbox.html)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import new_id
from app.events import repository


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    type: a name of the list in docs/architecture.md, such as `order-completed`;
    aggregate: kind and id of what it happened to; data: JSON, money as minor units.
    """

    type: str
    aggregate_type: str
    aggregate_id: UUID
    data: dict[str, Any]


def record(session: Session, events: Sequence[Event]) -> None:
    """Write `events` to the outbox: they exist exactly when this transaction commits."""
    if not events:
        return
    occurred_at = clock.now()
    repository.insert_events(
        session,
        [
            {
                "id": new_id(),
                "type": event.type,
                "aggregate_type": event.aggregate_type,
                "aggregate_id": event.aggregate_id,
                "data": event.data,
                "occurred_at": occurred_at,
            }
            for event in events
        ],
    )
