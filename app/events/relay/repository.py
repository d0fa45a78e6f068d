"""SQL of the relay: progress of the sinks, and events that they hold."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session, defer

from app.common.bulk import BulkInsert, Write, write
from app.common.driver import send, uuid_array
from app.common.id_ranges import equal
from app.common.pagination import MAX_COUNT, Page, PageRequest, paginate
from app.events.models import EventSink, HeldEvent, HeldStatus, OutboxEvent
from app.events.sinks import StoredEvent


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequences, both ends included, of which a transaction may still insert events.

    ends_at: the id of a transaction that began after the gap was seen. Once all older ones have
    ended, nothing can fill it. None until there is one.
    """

    first: int
    last: int
    ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """The sequence up to which a sink has received everything, apart from the gaps."""

    position: int
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event and its sequence in the outbox. event: None if the sink does not receive it."""

    sequence: int
    event: StoredEvent | None


# All in one snapshot, in which an event is visible only with all earlier ones of its aggregate:
# the aggregate was locked when they were recorded. What is not visible yet leaves a gap below the
# position; its transaction has an id, because `insert_events` makes sure of it.
_READ: Final = """
    SELECT own.id AS own, own.oldest, found.* FROM (
        SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint) AS id,
            CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS oldest
    ) own
    LEFT JOIN LATERAL (
        (
            SELECT true AS is_late, e.sequence, {columns}
            FROM json_to_recordset(CAST(%(gaps)s AS json)) AS gap (first bigint, last bigint)
            CROSS JOIN LATERAL (
                SELECT * FROM outbox_events e WHERE e.sequence BETWEEN gap.first AND gap.last
                ORDER BY e.sequence LIMIT %(limit)s
            ) e
            ORDER BY e.sequence LIMIT %(limit)s
        ) UNION ALL (
            SELECT false, e.sequence, {columns} FROM outbox_events e
            WHERE e.sequence > %(position)s ORDER BY e.sequence LIMIT %(limit)s
        )
    ) found ON true
    ORDER BY found.sequence
"""
_COLUMNS: Final = (
    "id",
    "type",
    "aggregate_type",
    "aggregate_id",
    "version",
    "schema_version",
    "data",
    "occurred_at",
    "trace_context",
)
#: Types are compared after reading: an index of them would have to be changed with every event.
_WANTED: Final = (
    "e.version IS NOT NULL AND (%(all_types)s OR e.type = ANY(CAST(%(types)s AS text[])))"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a sink has not received, as of one moment.

    late: events within its gaps; fresh: those after its position. Both are in order, and at most
    as many as the limit. oldest: the id of the oldest transaction that is active; own: that of this
    one, which began after everything that an earlier one has seen.
    """

    late: Sequence[Numbered]
    fresh: Sequence[Numbered]
    oldest: int
    own: int


def read_snapshot(
    session: Session, progress: Progress, *, types: Collection[str] | None, limit: int
) -> Snapshot:
    """What a sink of these types receives next. types: None for all."""
    rows = send(
        session,
        _READ.format(
            columns=", ".join(
                f"CASE WHEN {_WANTED} THEN e.{name} END AS {name}" for name in _COLUMNS
            )
        ),
        {
            "gaps": orjson.dumps([asdict(gap) for gap in progress.gaps]).decode(),
            "position": progress.position,
            "all_types": types is None,
            "types": sorted(types or ()),
            "limit": limit,
        },
    ).fetchall()
    found = [(row.is_late, _numbered(row)) for row in rows if row.sequence is not None]
    return Snapshot(
        late=[event for is_late, event in found if is_late],
        fresh=[event for is_late, event in found if not is_late],
        oldest=rows[0].oldest,
        own=rows[0].own,
    )


def _numbered(row: Any) -> Numbered:
    if row.id is None:
        return Numbered(row.sequence, None)
    return Numbered(row.sequence, StoredEvent(*(getattr(row, name) for name in _COLUMNS)))


def add_sink(session: Session, name: str, *, now: datetime) -> None:
    """Store a sink that has received nothing, unless it is stored."""
    session.execute(
        insert(EventSink)
        .values(name=name, position=0, gaps=[], created_at=now)
        .on_conflict_do_nothing()
    )


def lock_progress(session: Session, name: str, *, wait: bool = False) -> Progress | None:
    """The progress of a sink, locked. None if there is no such sink or, unless `wait`, while
    another transaction has locked it."""
    found = session.execute(
        select(EventSink.position, EventSink.gaps)
        .where(EventSink.name == name)
        .with_for_update(skip_locked=not wait)
    ).one_or_none()
    if found is None:
        return None
    return Progress(found.position, tuple(Gap(*gap) for gap in found.gaps))


def store_progress(session: Session, name: str, progress: Progress, *, now: datetime) -> None:
    session.execute(
        update(EventSink)
        .where(EventSink.name == name)
        .values(
            position=progress.position,
            gaps=[[gap.first, gap.last, gap.ends_at] for gap in progress.gaps],
            delivered_at=now,
            problem=None,
        )
    )


def store_problem(session: Session, name: str, problem: str, *, now: datetime) -> None:
    session.execute(
        update(EventSink).where(EventSink.name == name).values(problem=problem, failed_at=now)
    )


_HOLD = BulkInsert(HeldEvent)


def hold(session: Session, events: Iterable[HeldEvent]) -> None:
    """Store events that a sink has passed."""
    columns = HeldEvent.__mapper__.columns.keys()
    rows = [{name: getattr(event, name) for name in columns} for event in events]
    if rows:
        write(session, Write(_HOLD, rows))


def list_blocked(session: Session, sink: str, aggregate_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the aggregates of which the sink holds an event."""
    return {
        row.aggregate_id
        for row in send(
            session,
            "SELECT DISTINCT aggregate_id FROM held_events"
            " WHERE sink = %(sink)s AND aggregate_id = ANY(%(ids)s)",
            {"sink": sink, "ids": uuid_array(aggregate_ids)},
        )
    }


def list_due(session: Session, sink: str, *, now: datetime, limit: int) -> list[UUID]:
    """The aggregates whose first held event is to be tried again, the longest overdue first."""
    return list(
        session.scalars(
            select(HeldEvent.aggregate_id)
            .where(
                HeldEvent.sink == sink,
                HeldEvent.status == HeldStatus.RETRYING,
                HeldEvent.next_attempt_at <= now,
            )
            .order_by(HeldEvent.next_attempt_at)
            .limit(limit)
        )
    )


def list_held(
    session: Session, sink: str, aggregate_id: UUID, *, limit: int
) -> Iterator[tuple[HeldEvent, StoredEvent]]:
    """The first held events of an aggregate, in order."""
    found = session.execute(
        select(HeldEvent, OutboxEvent)
        .join(OutboxEvent, OutboxEvent.id == HeldEvent.event_id)
        .where(HeldEvent.sink == sink, HeldEvent.aggregate_id == aggregate_id)
        .order_by(HeldEvent.sequence)
        .limit(limit)
    )
    for held, event in found:
        yield held, StoredEvent(*(getattr(event, name) for name in _COLUMNS))


def release(session: Session, sink: str, event_ids: Collection[UUID]) -> None:
    """Forget held events."""
    session.execute(
        delete(HeldEvent).where(HeldEvent.sink == sink, HeldEvent.event_id.in_(event_ids))
    )


def retry_first(session: Session, sink: str, aggregate_id: UUID, *, now: datetime) -> None:
    """Have the first held event of an aggregate tried at once, as if it had never failed."""
    first = session.scalars(
        select(HeldEvent)
        .where(HeldEvent.sink == sink, HeldEvent.aggregate_id == aggregate_id)
        .order_by(HeldEvent.sequence)
        .limit(1)
    ).one_or_none()
    if first is not None:
        first.status = HeldStatus.RETRYING
        first.attempts = 0
        first.next_attempt_at = now


#: Held events with what the outbox says about them, apart from their data.
_RECORDS: Final = (
    select(HeldEvent, OutboxEvent)
    .join(OutboxEvent, OutboxEvent.id == HeldEvent.event_id)
    .options(defer(OutboxEvent.data, raiseload=True))
)


def list_records(
    session: Session,
    page: PageRequest,
    filters: Mapping[InstrumentedAttribute[Any], Any],
) -> Page[Any]:
    """Held events with their events: by sink, and in the order in which they were recorded.

    filters: columns of HeldEvent with the value that they must have, None for any.
    """
    where = equal(filters)
    if filters[HeldEvent.aggregate_id] is not None and filters[HeldEvent.sink] is None:
        # A look-up for each sink: the index of the aggregates begins with it.
        where.append(HeldEvent.sink.in_(select(EventSink.name)))
    return paginate(
        session,
        page,
        _RECORDS.where(*where),
        HeldEvent.sink,
        HeldEvent.sequence,
        descending=False,
        count=select(HeldEvent.event_id).where(*where),
    )


def get_record(session: Session, sink: str, event_id: UUID) -> tuple[HeldEvent, OutboxEvent] | None:
    found = session.execute(
        _RECORDS.where(HeldEvent.sink == sink, HeldEvent.event_id == event_id)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def get_first_id(session: Session, sink: str, aggregate_id: UUID) -> UUID | None:
    """The id of the first held event of an aggregate."""
    return session.scalar(
        select(HeldEvent.event_id)
        .where(HeldEvent.sink == sink, HeldEvent.aggregate_id == aggregate_id)
        .order_by(HeldEvent.sequence)
        .limit(1)
    )


@dataclass(frozen=True, slots=True)
class SinkState:
    """A sink, and what it has not received.

    behind: at most so many events are to be delivered to it for the first time, and waiting_since
    is the time of the first of them. held, parked: numbers of events, at most MAX_COUNT.
    """

    name: str
    created_at: datetime
    delivered_at: datetime | None
    problem: str | None
    failed_at: datetime | None
    behind: int
    waiting_since: datetime | None
    held: int
    parked: int


# Each number is read from an index, and only as far as it is told.
_STATES: Final = """
    SELECT s.name, s.created_at, s.delivered_at, s.problem, s.failed_at,
        greatest(coalesce((SELECT max(e.sequence) FROM outbox_events e), 0) - s.position, 0)
            AS behind,
        (
            SELECT e.occurred_at FROM outbox_events e
            WHERE e.sequence > s.position ORDER BY e.sequence LIMIT 1
        ) AS waiting_since,
        (
            SELECT count(*) FROM (
                SELECT FROM held_events h WHERE h.sink = s.name LIMIT %(limit)s
            ) held
        ) AS held,
        (
            SELECT count(*) FROM (
                SELECT FROM held_events h
                WHERE h.status = 'PARKED' AND h.sink = s.name LIMIT %(limit)s
            ) parked
        ) AS parked
    FROM event_sinks s
    WHERE %(all)s OR s.name = ANY(CAST(%(names)s AS text[]))
    ORDER BY s.name
"""


def list_states(session: Session, names: Sequence[str] | None = None) -> list[SinkState]:
    """The sinks with these names, in the order of their names. names: None for all."""
    rows = send(
        session,
        _STATES,
        {"limit": MAX_COUNT, "all": names is None, "names": list(names or ())},
    )
    return [SinkState(*row) for row in rows]


def list_sinks(session: Session, page: PageRequest) -> Page[EventSink]:
    """The sinks, by name."""
    return paginate(session, page, select(EventSink), EventSink.name, descending=False)


def delete_sink(session: Session, name: str) -> None:
    """Delete a sink and what it holds."""
    session.execute(delete(EventSink).where(EventSink.name == name))
