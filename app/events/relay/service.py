"""Delivers the events of the outbox to sinks: at least once, those of one aggregate in order.

A sink's progress is the sequence up to which it has received everything. Transactions commit in
another order than they draw sequences, so an event may become visible below it: what is missing
there is a gap, and is looked for until no transaction can fill it (docs/decisions/0025).
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from app.common import clock, tracing
from app.common.backoff import Backoff
from app.common.db import transaction
from app.common.process_state import Slot
from app.events.models import HeldEvent, HeldStatus
from app.events.relay import repository
from app.events.relay.repository import Gap, Numbered, Progress, Snapshot
from app.events.sinks import Sink, SinkUnavailable, StoredEvent

#: Events that are read at once, and delivered in one transaction.
BATCH_SIZE: Final = 500
#: Aggregates whose held events are tried again in one transaction.
_RETRIES: Final = 20
_BACKOFF: Final = Backoff(timedelta(seconds=1), timedelta(minutes=10))

#: How often delivering an event is tried before it is parked.
max_attempts: Final[Slot[int]] = Slot("attempts to deliver an event")

_log = structlog.get_logger()


def add_sink(sink: Sink) -> None:
    """Store the progress of a sink. A new one receives every event that is still there."""
    with transaction() as session:
        repository.add_sink(session, sink.name, now=clock.now())


def deliver(sink: Sink) -> bool:
    """Deliver what is due to a sink, at most BATCH_SIZE new events. Returns whether there is more.

    Does nothing while another relay serves the sink. Raises SinkUnavailable; then nothing has
    changed but that the sink has this problem.
    """
    try:
        with transaction() as session:
            progress = repository.lock_progress(session, sink.name)
            if progress is None:
                return False
            retried = _retry_due(session, sink)
            seen = repository.read_snapshot(session, progress, types=sink.types, limit=BATCH_SIZE)
            events, after = following(progress, seen)
            _deliver_new(session, sink, events)
            if events or retried or after != progress:
                repository.store_progress(session, sink.name, after, now=clock.now())
            return retried or _is_full(seen.late) or _is_full(seen.fresh)
    except SinkUnavailable as error:
        with transaction() as session:
            repository.store_problem(session, sink.name, str(error), now=clock.now())
        raise


def following(progress: Progress, seen: Snapshot) -> tuple[list[Numbered], Progress]:
    """The events that a sink receives next, in order, and its progress after them."""
    # Events after the position wait for late ones that were not read: those may be earlier ones of
    # the same aggregate.
    fresh = [] if _is_full(seen.late) else seen.fresh
    gaps = list(_open_gaps(progress.gaps, seen))
    position = progress.position
    for event in fresh:
        if event.sequence > position + 1:
            gaps.append(Gap(position + 1, event.sequence - 1))
        position = event.sequence
    return [*seen.late, *fresh], Progress(position, tuple(gaps))


def _open_gaps(gaps: Iterable[Gap], seen: Snapshot) -> Iterator[Gap]:
    """What is left of gaps without the events that were found in them."""
    searched = seen.late[-1].sequence if _is_full(seen.late) else None
    found = [event.sequence for event in seen.late]
    for gap in gaps:
        ends_at = gap.ends_at or seen.own
        within = [sequence for sequence in found if gap.first <= sequence <= gap.last]
        ends = [gap.first - 1, *within, gap.last + 1]
        for before, after in pairwise(ends):
            is_searched = searched is None or after - 1 <= searched
            if after - before > 1 and not (is_searched and ends_at <= seen.oldest):
                yield Gap(before + 1, after - 1, ends_at)


def _is_full(events: Sequence[Numbered]) -> bool:
    return len(events) == BATCH_SIZE


def _deliver_new(session: Session, sink: Sink, found: Sequence[Numbered]) -> None:
    """Deliver events, apart from those that follow one of their aggregate which is held."""
    events = [each.event for each in found if each.event is not None]
    if not events:
        return
    ids = {event.aggregate_id for event in events}
    blocked = repository.list_blocked(session, sink.name, ids)
    ready = [event for event in events if event.aggregate_id not in blocked]
    failures = _deliver(session, sink, ready) if ready else {}
    if not failures and len(ready) == len(events):
        return
    held: list[HeldEvent] = []
    failed: set[UUID] = set()
    for each in found:
        event = each.event
        if event is None or not (event.aggregate_id in blocked or event.id in failures):
            continue
        row = HeldEvent(
            sink=sink.name,
            event_id=event.id,
            sequence=each.sequence,
            type=event.type,
            aggregate_id=event.aggregate_id,
            status=HeldStatus.WAITING,
            attempts=0,
        )
        if event.id in failures and event.aggregate_id not in failed:
            failed.add(event.aggregate_id)
            _record_failure(row, event, failures[event.id])
        held.append(row)
    repository.hold(session, held)


def _deliver(session: Session, sink: Sink, events: Sequence[StoredEvent]) -> Mapping[UUID, str]:
    """As `Sink.deliver`; each event from a request that is traced is a part of its trace."""
    began = time.time_ns()
    failures = sink.deliver(session, events)
    for event in events if tracing.is_on() else ():
        tracing.export_following(
            f"relay {sink.name}",
            event.trace_context,
            kind=tracing.Kind.CONSUMER,
            began=began,
            attributes={"payment_flow.event.type": event.type},
            has_failed=event.id in failures,
        )
    return failures


def _retry_due(session: Session, sink: Sink) -> bool:
    """Try again what is due. Returns whether anything was."""
    due = repository.list_due(session, sink.name, now=clock.now(), limit=_RETRIES)
    for aggregate_id in due:
        held = list(repository.list_held(session, sink.name, aggregate_id, limit=BATCH_SIZE))
        failures = _deliver(session, sink, [event for _, event in held])
        left = [(row, event) for row, event in held if event.id in failures]
        repository.release(
            session, sink.name, [row.event_id for row, _ in held if row.event_id not in failures]
        )
        for row, event in left[:1]:
            _record_failure(row, event, failures[event.id])
        if not left:
            retry_next(session, sink.name, aggregate_id)
    return bool(due)


def retry_next(session: Session, sink: str, aggregate_id: UUID) -> None:
    """Try the first held event of an aggregate, and those that wait for it, as soon as possible."""
    repository.retry_first(session, sink, aggregate_id, now=clock.now())


def _record_failure(row: HeldEvent, event: StoredEvent, reason: str) -> None:
    row.attempts += 1
    row.reason = reason
    row.failed_at = clock.now()
    is_parked = row.attempts >= max_attempts()
    row.status = HeldStatus.PARKED if is_parked else HeldStatus.RETRYING
    row.next_attempt_at = None if is_parked else clock.now() + _BACKOFF.delay(row.attempts - 1)
    _log.warning(
        "event_parked" if is_parked else "event_failed",
        sink=row.sink,
        event_id=str(event.id),
        type=event.type,
        aggregate_id=str(event.aggregate_id),
        attempts=row.attempts,
        reason=reason,
    )
