"""What administrators see of sinks and the events that they hold, and do about them.

Changes take the lock of the sink's row first, as delivering does, so neither sees half of the
other.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.pagination import Page, PageRequest
from app.events.models import HeldEvent, OutboxEvent
from app.events.relay import repository
from app.events.relay.errors import (
    EventSinkInUse,
    EventSinkNotFound,
    HeldEventNotFirst,
    HeldEventNotFound,
)
from app.events.relay.repository import SinkState

#: A sink to which a relay delivers has no event waiting for so long, or was tried within that time.
_ABANDONED_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """An event that a sink holds. Its data is not read: it is about persons, and long."""

    held: HeldEvent
    event: OutboxEvent


def list_held(
    session: Session,
    page: PageRequest,
    *,
    status: str | None = None,
    sink: str | None = None,
    event_type: str | None = None,
    aggregate_id: UUID | None = None,
) -> Page[HeldRecord]:
    """Held events by sink, and in the order in which they were recorded. None: any value."""
    found = repository.list_records(
        session,
        page,
        {
            HeldEvent.status: status,
            HeldEvent.sink: sink,
            HeldEvent.type: event_type,
            HeldEvent.aggregate_id: aggregate_id,
        },
    )
    return found.with_data(HeldRecord(*row) for row in found.data)


def retry(session: Session, *, sink: str, event_id: UUID) -> HeldRecord:
    """Have an event delivered at once, with all attempts, and then those that wait for it.

    Raises HeldEventNotFound, HeldEventNotFirst.
    """
    record = _require_first(session, sink, event_id)
    repository.retry_first(session, sink, record.held.aggregate_id, now=clock.now())
    return record


def skip(session: Session, *, sink: str, event_id: UUID) -> HeldRecord:
    """Never deliver an event to this sink, and have those that wait for it delivered at once.

    Raises HeldEventNotFound, HeldEventNotFirst.
    """
    record = _require_first(session, sink, event_id)
    repository.release(session, sink, [event_id])
    repository.retry_first(session, sink, record.held.aggregate_id, now=clock.now())
    return record


def _require_first(session: Session, sink: str, event_id: UUID) -> HeldRecord:
    """A held event that waits for no other one of its aggregate; the sink is locked."""
    if repository.lock_progress(session, sink, wait=True) is None:
        raise HeldEventNotFound
    found = repository.get_record(session, sink, event_id)
    if found is None:
        raise HeldEventNotFound
    record = HeldRecord(*found)
    first = repository.get_first_id(session, sink, record.held.aggregate_id)
    if first is not None and first != event_id:
        raise HeldEventNotFirst(first)
    return record


def list_sinks(session: Session, page: PageRequest) -> Page[SinkState]:
    """All sinks by name."""
    found = repository.list_sinks(session, page)
    names = [sink.name for sink in found.data]
    return found.with_data(repository.list_states(session, names))


def delete_sink(session: Session, *, name: str) -> SinkState:
    """Delete a sink to which nothing delivers any more, with the events that it holds.

    Should it be used again, it receives every event that is still there. Returns its last state.
    Raises EventSinkNotFound, EventSinkInUse.
    """
    # PostgreSQL refuses a text with NUL, also to compare it.
    if "\0" in name or repository.lock_progress(session, name, wait=True) is None:
        raise EventSinkNotFound
    (state,) = repository.list_states(session, [name])
    if _is_in_use(state):
        raise EventSinkInUse
    repository.delete_sink(session, name)
    return state


def _is_in_use(state: SinkState) -> bool:
    since = clock.now() - _ABANDONED_AFTER
    tried = (state.created_at, state.delivered_at, state.failed_at)
    return (
        state.waiting_since is None
        or state.waiting_since > since
        or any(moment is not None and moment > since for moment in tried)
    )
