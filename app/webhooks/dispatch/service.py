"""Which deliveries are attempted next, and what follows from the outcome of an attempt.

Each endpoint has its own place in the queue. One whose last request succeeded may have several
requests at a time, all others one. One that keeps failing pauses between two requests. So an
endpoint that hangs, or all that hang together, leave most threads to the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock, encryption, tracing
from app.common.backoff import FullJitter
from app.common.ids import new_id
from app.events import service as events
from app.events.catalogue.webhooks import WebhookEndpointDisabled
from app.webhooks import signing
from app.webhooks.dispatch import repository
from app.webhooks.dispatch.client import Answer
from app.webhooks.models import (
    DeliveryStatus,
    DisabledBecause,
    EndpointStatus,
    WebhookEndpoint,
)

#: Attempts of a delivery, and the longest waits between them: together three days.
MAX_WAITS: Final = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
    timedelta(hours=24),
    timedelta(hours=30, minutes=49),
)
MAX_ATTEMPTS: Final = len(MAX_WAITS) + 1
_WAITS: Final = FullJitter(MAX_WAITS)

#: Requests at a time to an endpoint whose last request succeeded.
CONCURRENCY: Final = 8
#: How long an attempt may be without an outcome before it is given up: its process was killed.
LEASE: Final = timedelta(seconds=60)
#: Failures in a row after which an endpoint pauses, and how long at most.
_FAILURES_BEFORE_PAUSE: Final = 3
_FIRST_PAUSE: Final = timedelta(seconds=5)
_MAX_PAUSE: Final = timedelta(minutes=1)
#: How long an endpoint that asks for it is left alone, besides the delivery that it refused.
_MAX_REQUESTED_PAUSE: Final = timedelta(hours=1)
_TELLING_TO_WAIT: Final = (429, 503)
#: An endpoint that has only failed for so long is disabled. Failures further apart than this belong
#: to different outages, because a delivery is attempted more often.
DISABLED_AFTER: Final = timedelta(days=5)
_SAME_OUTAGE: Final = timedelta(days=2)
#: Deliveries to disabled endpoints that are skipped in one turn.
_MAX_SKIPPED: Final = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to be made. attempts: before this one; secrets: all that are valid;
    trace_context: of the event, if tracing is on and its request was traced."""

    delivery_id: UUID
    endpoint_id: UUID
    message_id: UUID
    url: str
    body: bytes
    secrets: Sequence[bytes]
    attempts: int
    taken_at: datetime
    is_proven: bool
    trace_context: str | None = None

    def headers(self) -> dict[str, str]:
        """The headers that sign it now."""
        return signing.signed_headers(
            str(self.message_id),
            int(clock.now().timestamp()),
            self.body,
            secrets=self.secrets,
            endpoint_id=self.endpoint_id,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    attempt: Attempt
    answer: Answer


def advance(
    session: Session, *, outcomes: Sequence[Outcome], room: int, unproven_room: int
) -> Sequence[Attempt]:
    """Record outcomes, and begin further attempts: at most `room`, and `unproven_room` to endpoints
    whose last request did not succeed."""
    repository.lock_queue(session)
    now = clock.now()
    if outcomes:
        _record(session, outcomes, now=now)
    if room <= 0:
        return []
    return _take(session, room=room, unproven_room=unproven_room, now=now)


def _take(session: Session, *, room: int, unproven_room: int, now: datetime) -> Sequence[Attempt]:
    chosen: list[UUID] = []
    held: list[UUID] = []
    skipped: list[UUID] = []
    in_flight: dict[UUID, int] = {}
    for due in _in_turn(repository.list_due(session, concurrency=CONCURRENCY, now=now)):
        if due.is_disabled:
            skipped.append(due.id)
        elif due.is_behind:
            held.append(due.id)
        elif len(chosen) < room:
            busy = in_flight.setdefault(due.endpoint_id, due.in_flight)
            if busy >= (CONCURRENCY if due.is_proven else 1):
                continue
            if not due.is_proven:
                if unproven_room <= 0:
                    continue
                unproven_room -= 1
            in_flight[due.endpoint_id] += 1
            chosen.append(due.id)
    if held:
        repository.hold(session, held, now=now)
    if skipped:
        gone = repository.skip(session, skipped[:_MAX_SKIPPED], now=now)
        repository.release_next(session, gone, now=now)
    return _begin(session, chosen, now=now) if chosen else []


def _in_turn(rows: Sequence[Any]) -> Sequence[Any]:
    """One of each endpoint, then the second of each, and so on; otherwise in the given order."""
    turns: dict[UUID, int] = {}
    ranked = []
    for row in rows:
        turns[row.endpoint_id] = turn = turns.get(row.endpoint_id, -1) + 1
        ranked.append((turn, row))
    return [row for _, row in sorted(ranked, key=lambda each: each[0])]


def _begin(session: Session, ids: Sequence[UUID], *, now: datetime) -> Sequence[Attempt]:
    taken = repository.take(session, ids, now=now, until=now + LEASE)
    stored = repository.list_secrets(session, {row.endpoint_id for row in taken}, now=now)
    secrets = {
        endpoint_id: [
            encryption.decrypt(secret.encrypted, context=signing.secret_context(secret.id))
            for secret in found
        ]
        for endpoint_id, found in stored.items()
    }
    messages = [row.message_id for row in taken]
    traces = events.list_traces(session, messages) if tracing.is_on() else {}
    return [
        Attempt(
            delivery_id=row.id,
            endpoint_id=row.endpoint_id,
            message_id=row.message_id,
            url=row.url,
            body=row.body.encode(),
            secrets=secrets[row.endpoint_id],
            attempts=row.attempts,
            taken_at=row.taken_at,
            is_proven=row.is_proven,
            trace_context=traces.get(row.message_id),
        )
        for row in taken
    ]


def _record(session: Session, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    by_id = {outcome.attempt.delivery_id: outcome for outcome in outcomes}
    recorded = repository.record(session, [_new_state(one, now=now) for one in by_id.values()])
    repository.insert_attempts(session, [_attempt_row(by_id[row.id]) for row in recorded])
    finished = [row for row in recorded if row.status != DeliveryStatus.WAITING]
    if finished:
        repository.release_next(session, finished, now=now)
    # That a proven endpoint has succeeded again is no news.
    news = [
        outcome
        for row in recorded
        if not ((outcome := by_id[row.id]).answer.is_success and outcome.attempt.is_proven)
    ]
    if news:
        _record_health(session, news, now=now)


def _new_state(outcome: Outcome, *, now: datetime) -> dict[str, Any]:
    attempt, answer = outcome.attempt, outcome.answer
    status = _status_after(outcome)
    is_open = status is DeliveryStatus.WAITING
    wait = _WAITS.delay(attempt.attempts) if is_open else timedelta(0)
    if is_open and answer.retry_after is not None:
        wait = max(wait, answer.retry_after)
    return {
        "id": attempt.delivery_id,
        "status": status.value,
        "attempts": attempt.attempts + 1,
        "next_attempt_at": now + wait if is_open else None,
        "taken_at": attempt.taken_at,
        "finished_at": None if is_open else now,
    }


def _status_after(outcome: Outcome) -> DeliveryStatus:
    if outcome.answer.is_success:
        return DeliveryStatus.DELIVERED
    if outcome.answer.is_gone or outcome.attempt.attempts + 1 >= MAX_ATTEMPTS:
        return DeliveryStatus.FAILED
    return DeliveryStatus.WAITING


def _attempt_row(outcome: Outcome) -> dict[str, Any]:
    answer = outcome.answer
    return {
        "id": new_id(),
        "delivery_id": outcome.attempt.delivery_id,
        "started_at": outcome.attempt.taken_at,
        "duration": answer.duration // timedelta(milliseconds=1),
        "status_code": answer.status_code,
        "error": answer.error,
        "excerpt": answer.excerpt,
    }


def _record_health(session: Session, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    endpoints = {
        endpoint.id: endpoint
        for endpoint in repository.lock_endpoints(
            session, {outcome.attempt.endpoint_id for outcome in outcomes}
        )
    }
    for outcome in outcomes:
        endpoint = endpoints[outcome.attempt.endpoint_id]
        if outcome.answer.is_success:
            endpoint.is_proven, endpoint.failures = True, 0
            endpoint.failing_since = endpoint.last_failed_at = endpoint.paused_until = None
        else:
            _record_failure(session, endpoint, outcome.answer, now=now)
    session.flush()


def _record_failure(
    session: Session, endpoint: WebhookEndpoint, answer: Answer, *, now: datetime
) -> None:
    last = endpoint.last_failed_at
    if last is None or now - last > _SAME_OUTAGE:
        endpoint.failures, endpoint.failing_since = 0, now
    endpoint.is_proven, endpoint.last_failed_at = False, now
    endpoint.failures += 1
    endpoint.paused_until = _pause_until(endpoint, answer, now=now)
    since = endpoint.failing_since or now
    if answer.is_gone:
        _disable(session, endpoint, DisabledBecause.GONE)
    elif now - since >= DISABLED_AFTER:
        _disable(session, endpoint, DisabledBecause.FAILING)


def _pause_until(endpoint: WebhookEndpoint, answer: Answer, *, now: datetime) -> datetime | None:
    """When the endpoint may be sent the next request of any delivery."""
    excess = endpoint.failures - _FAILURES_BEFORE_PAUSE
    pause = timedelta(0) if excess < 0 else min(_FIRST_PAUSE * 2 ** min(excess, 8), _MAX_PAUSE)
    if answer.retry_after is not None and answer.status_code in _TELLING_TO_WAIT:
        pause = max(pause, min(answer.retry_after, _MAX_REQUESTED_PAUSE))
    return now + pause if pause else None


def _disable(session: Session, endpoint: WebhookEndpoint, because: DisabledBecause) -> None:
    if not endpoint.is_enabled:
        return
    endpoint.status, endpoint.disabled_because = EndpointStatus.DISABLED.value, because.value
    endpoint.disabled_at = endpoint.updated_at = clock.now()
    disabled = WebhookEndpointDisabled(
        aggregate_id=endpoint.id,
        merchant_id=endpoint.merchant_id,
        url=endpoint.url,
        because=because.value,
    )
    events.record(session, [disabled])
