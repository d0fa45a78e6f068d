"""SQL of the export of held events."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, String, desc, func, select, tuple_, type_coerce
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from app.common.csv_export import CsvBatch, constant_cell, line_of, text_cell, time_cell
from app.common.id_ranges import equal
from app.events.models import EventSink, HeldEvent, OutboxEvent

#: The cells of a row of the export.
EXPORTED: Final[dict[str, Any]] = {
    "eventId": HeldEvent.event_id,
    "sink": text_cell(HeldEvent.sink),
    "type": text_cell(HeldEvent.type),
    "aggregateType": text_cell(OutboxEvent.aggregate_type),
    "aggregateId": HeldEvent.aggregate_id,
    "version": OutboxEvent.version,
    "occurredAt": time_cell(OutboxEvent.occurred_at),
    "status": HeldEvent.status,
    "attempts": HeldEvent.attempts,
    "reason": text_cell(HeldEvent.reason),
    "failedAt": time_cell(HeldEvent.failed_at),
    "nextAttemptAt": time_cell(HeldEvent.next_attempt_at),
}


def export_held(
    session: Session,
    *,
    limit: int,
    below: tuple[str, int] | None,
    status: str | None = None,
    sink: str | None = None,
    event_type: str | None = None,
    aggregate_id: UUID | None = None,
) -> CsvBatch:
    """A batch of the export: by sink, and in the order in which they were recorded.

    below: sink and sequence of the last row of the batch before.
    """
    where = equal(
        {
            HeldEvent.status: status,
            HeldEvent.sink: sink,
            HeldEvent.type: event_type,
            HeldEvent.aggregate_id: aggregate_id,
        }
    )
    if aggregate_id is not None and sink is None:
        # A look-up for each sink: the index of the aggregates begins with it.
        where.append(HeldEvent.sink.in_(select(EventSink.name)))
    if below is not None:
        where.append(tuple_(HeldEvent.sink, HeldEvent.sequence) > tuple_(*below))
    found = (
        select(line_of(EXPORTED).label("line"), HeldEvent.sink, HeldEvent.sequence)
        .join(OutboxEvent, OutboxEvent.id == HeldEvent.event_id)
        .where(*where)
        .order_by(HeldEvent.sink, HeldEvent.sequence)
        .limit(limit)
        .subquery()
    )
    order, reverse = (found.c.sink, found.c.sequence), (desc(found.c.sink), desc(found.c.sequence))

    def last(column: Any, kind: Any) -> Any:
        values = func.array_agg(aggregate_order_by(column, *reverse))
        return type_coerce(values, ARRAY(kind))[1]

    row = session.execute(
        select(
            func.string_agg(found.c.line, aggregate_order_by(constant_cell(""), *order)),
            func.count(),
            last(found.c.sink, String),
            last(found.c.sequence, BigInteger),
        )
    ).one()
    return CsvBatch(row[0], row[1], (row[2], row[3]))
