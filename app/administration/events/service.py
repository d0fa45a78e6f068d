"""What administrators do about held events and sinks, with its record in the audit log."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.administration.events import repository
from app.audit import service as audit
from app.common.csv_export import CsvBatch
from app.common.ids import new_id
from app.events.relay import management
from app.events.relay.management import HeldRecord

#: The cells of a row of the export.
EXPORTED: Final = repository.EXPORTED


def export_held(session: Session, **filters: Any) -> CsvBatch:
    """A batch of all held events of the list.

    filters: those of `management.list_held`, with limit and below.
    """
    return repository.export_held(session, **filters)


def retry(
    session: Session, *, actor_id: UUID, event_id: UUID, sink: str, reason: str
) -> HeldRecord:
    """Have an event delivered at once, with all attempts. Raises as `management.retry` does."""
    record = management.retry(session, sink=sink, event_id=event_id)
    _audit(session, "event.retry", record, actor_id=actor_id, reason=reason)
    return record


def skip(session: Session, *, actor_id: UUID, event_id: UUID, sink: str, reason: str) -> None:
    """Never deliver an event to this sink. Raises as `management.skip` does."""
    record = management.skip(session, sink=sink, event_id=event_id)
    _audit(session, "event.skip", record, actor_id=actor_id, reason=reason)


def _audit(
    session: Session, action: str, record: HeldRecord, *, actor_id: UUID, reason: str
) -> None:
    audit.record(
        session,
        actor_id=actor_id,
        action=action,
        target=("event", record.event.id),
        reason=reason,
        details={
            "sink": record.held.sink,
            "type": record.event.type,
            "aggregateType": record.event.aggregate_type,
            "aggregateId": str(record.event.aggregate_id),
            "failedBecause": record.held.reason,
        },
    )


def delete_sink(session: Session, *, actor_id: UUID, name: str) -> None:
    """Delete a sink that is not used any more. Raises as `management.delete_sink` does."""
    state = management.delete_sink(session, name=name)
    audit.record(
        session,
        actor_id=actor_id,
        action="event-sink.delete",
        target=("event-sink", new_id()),  # its ID is the name, which the details have
        details={
            "name": name,
            "behind": state.behind,
            "held": state.held,
            "parked": state.parked,
        },
    )
