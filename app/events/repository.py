"""SQL of the outbox."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, write
from app.common.driver import send_waiting
from app.events.models import EventCount, OutboxEvent

# The relay relies on it that a transaction has an id before it draws a sequence (`relay.read`).
_WITH_ID: Final = "CROSS JOIN pg_current_xact_id()"
_COUNTED: Final = (
    "new.version + (SELECT c.events FROM event_counts c WHERE c.aggregate_id = new.aggregate_id)"
)
# The column of the trace is left out where there is none, as for almost all events.
_UNTRACED: Final = ("sequence", "trace_context")
_INSERT, _INSERT_TRACED = (
    BulkInsert(OutboxEvent, omit=omit, tail=_WITH_ID) for omit in (_UNTRACED, _UNTRACED[:1])
)
_INSERT_COUNTED, _INSERT_COUNTED_TRACED = (
    BulkInsert(OutboxEvent, omit=omit, computed={"version": _COUNTED})
    for omit in (_UNTRACED, _UNTRACED[:1])
)
# In the order of the ids, so that transactions wait for each other in one order.
_COUNT = BulkInsert(
    EventCount,
    tail="ORDER BY aggregate_id ON CONFLICT (aggregate_id)"
    " DO UPDATE SET events = event_counts.events + excluded.events",
)


def insert_events(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    write(session, Write(_INSERT_TRACED if _keep_traces(rows) else _INSERT, rows))


def insert_counted_events(
    session: Session, rows: Sequence[dict[str, Any]], number: Mapping[UUID, int]
) -> None:
    """Insert events after counting them. number: of events of each aggregate.

    rows: their versions are relative to the number that has then been counted.
    """
    counts = [{"aggregate_id": key, "events": events} for key, events in number.items()]
    write(session, Write(_COUNT, counts))
    send_waiting(session)  # before the statement that reads it
    write(session, Write(_INSERT_COUNTED_TRACED if _keep_traces(rows) else _INSERT_COUNTED, rows))
    send_waiting(session)  # before other events: one statement would not keep their order


def list_traces(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """The traces of events that have one, by id."""
    rows = session.execute(
        select(OutboxEvent.id, OutboxEvent.trace_context).where(
            OutboxEvent.id.in_(ids), OutboxEvent.trace_context.is_not(None)
        )
    )
    return {row.id: str(row.trace_context) for row in rows}


def _keep_traces(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether any row has a trace. If none has, the column is removed from all."""
    if any(row["trace_context"] is not None for row in rows):
        return True
    for row in rows:
        del row["trace_context"]
    return False
