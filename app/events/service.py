"""Transactional outbox (https://microservices.io/patterns/data/transactional-outbox.html)."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.common import clock
from app.common.ids import new_id
from app.events import repository
from app.events.base import Event, to_data


def record(session: Session, events: Sequence[Event]) -> None:
    """Insert events into the outbox, in this transaction.

    Raises KeyError for a class that is not in the catalogue.
    """
    if not events:
        return
    occurred_at = clock.now()
    repository.insert_events(
        session,
        [
            {
                "id": new_id(),
                "type": event.event_type,
                "aggregate_type": event.aggregate_type,
                "aggregate_id": event.aggregate_id,
                "data": to_data(event),
                "occurred_at": occurred_at,
            }
            for event in events
        ],
    )
