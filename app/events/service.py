"""Transactional outbox (https://microservices.io/patterns/data/transactional-outbox.html)."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock, tracing
from app.common.ids import new_id
from app.events import repository
from app.events.base import Event, to_data

#: Types of aggregates whose first event is recorded with version 1 and not counted.
FIRST_IS_KNOWN: Final = ("order",)


#: An event, and the span of the request that it comes from, if that is traced.
Traced = tuple[Event, tracing.Span | None]


def record(session: Session, events: Sequence[Event]) -> None:
    """Insert events of the request of this thread into the outbox: see `record_traced`."""
    span = tracing.current.get()
    record_traced(session, [(event, span) for event in events])


def record_traced(session: Session, events: Sequence[Traced]) -> None:
    """Insert events into the outbox, in this transaction.

    Each gets the next version of its aggregate: its own if it has one, otherwise it is counted.
    Raises KeyError for a class that is not in the catalogue.
    """
    occurred_at = clock.now()
    # In this order, also where events that are counted are among others.
    for is_counted, group in groupby(events, lambda each: each[0].aggregate_version is None):
        rows = [
            {
                "id": new_id(),
                "type": event.event_type,
                "aggregate_type": event.aggregate_type,
                "aggregate_id": event.aggregate_id,
                "version": event.aggregate_version,
                "schema_version": event.schema_version,
                "data": to_data(event),
                "occurred_at": occurred_at,
                "trace_context": None if span is None else str(span.context),
            }
            for event, span in group
        ]
        if is_counted:
            _count(session, rows)
        else:
            repository.insert_events(session, rows)


def list_traces(session: Session, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The `traceparent` of events whose request is traced, by id."""
    return repository.list_traces(session, ids)


def _count(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert events whose versions follow those that have been counted for their aggregates."""
    number = Counter(row["aggregate_id"] for row in rows)
    left: Counter[UUID] = Counter(number)
    for row in rows:
        left[row["aggregate_id"]] -= 1
        first = 1 if row["aggregate_type"] in FIRST_IS_KNOWN else 0
        row["version"] = first - left[row["aggregate_id"]]
    repository.insert_counted_events(session, rows, number)
