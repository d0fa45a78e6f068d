"""SQL of the outbox."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, write
from app.common.driver import send_waiting
from app.events.models import EventCount, OutboxEvent

# The relay relies on it that a transaction has an id before it draws a sequence (`relay.read`).
_WITH_ID: Final = "CROSS JOIN pg_current_xact_id()"
_INSERT = BulkInsert(OutboxEvent, omit=("sequence",), tail=_WITH_ID)
_INSERT_COUNTED = BulkInsert(
    OutboxEvent,
    omit=("sequence",),
    computed={
        "version": "new.version + ("
        "SELECT c.events FROM event_counts c WHERE c.aggregate_id = new.aggregate_id)"
    },
)
# In the order of the ids, so that transactions wait for each other in one order.
_COUNT = BulkInsert(
    EventCount,
    tail="ORDER BY aggregate_id ON CONFLICT (aggregate_id)"
    " DO UPDATE SET events = event_counts.events + excluded.events",
)


def insert_events(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    write(session, Write(_INSERT, rows))


def insert_counted_events(
    session: Session, rows: Sequence[dict[str, Any]], number: Mapping[UUID, int]
) -> None:
    """Insert events after counting them. number: of events of each aggregate.

    rows: their versions are relative to the number that has then been counted.
    """
    counts = [{"aggregate_id": key, "events": events} for key, events in number.items()]
    write(session, Write(_COUNT, counts))
    send_waiting(session)  # before the statement that reads it
    write(session, Write(_INSERT_COUNTED, rows))
    send_waiting(session)  # before other events: one statement would not keep their order
