"""The inbox: an inbound event of any provider is stored first and handled later, once.

Modules above this one subscribe handlers by topic, and only they interpret the events.
"""

from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.common import clock
from app.common.backoff import Backoff
from app.common.db import savepoint
from app.common.errors import AppError
from app.common.ids import new_id
from app.common.process_state import Handlers
from app.events import service as events
from app.events.catalogue.banks import BankEventQuarantined
from app.inbox import repository
from app.inbox.errors import (
    RETRYABLE,
    InboundEventNotFound,
    InboundEventNotQuarantined,
    InboundEventNotRetryable,
    Quarantine,
    QuarantineReason,
    ReferenceUnknown,
)
from app.inbox.models import InboundEvent, InboundEventStatus
from app.ledger_lock.service import require_ledger_lock

_BACKOFF: Final = Backoff(first=timedelta(minutes=1), max_delay=timedelta(hours=1))


class Handler(Protocol):
    """Handles the events of one topic. A module can be one."""

    def owns(self, session: Session, *, provider: str, reference: str) -> bool:
        """Whether we gave this provider that reference."""

    def handle(self, session: Session, event: InboundEvent) -> None:
        """Apply the event. Idempotent.

        Raises Quarantine if it contradicts our record, and an AppError to be called again later.
        """


#: Handlers by topic, the part of an event's type before the first dot.
handlers: Final[Handlers[str, Handler]] = Handlers("inbound events")


def receive(
    session: Session,
    *,
    provider: str,
    event_id: str,
    event_type: str,
    body: str,
    reference: str,
    amount: int | None,
    currency: str | None,
    user_id: str | None,
    provider_reference: str | None,
    reason: str | None,
    keeps_unknown: bool = False,
) -> UUID | None:
    """Store an event that `provider` has signed. Returns the id of its row, None if it is a repeat.

    provider: the code of a bank or of the gateway; keeps_unknown: whether an event about a
    reference that we do not have is stored and quarantined, because we have lost it; the rest as in
    InboundEvent. Raises ReferenceUnknown otherwise, and stores nothing then.
    """
    handler = handlers.get(event_type.partition(".")[0])
    if handler is None:
        raise ReferenceUnknown
    is_known = handler.owns(session, provider=provider, reference=reference)
    if not is_known and not keeps_unknown:
        raise ReferenceUnknown
    now = clock.now()
    row_id = repository.insert_event(
        session,
        id=new_id(),
        provider=provider,
        event_id=event_id,
        type=event_type,
        reference=reference,
        amount=amount,
        currency=currency,
        user_id=user_id,
        provider_reference=provider_reference,
        reason=reason,
        body=body,
        status=InboundEventStatus.RECEIVED.value,
        next_attempt_at=now,
        received_at=now,
    )
    if not is_known and row_id is not None and (event := repository.lock_received(session, row_id)):
        _quarantine(session, event, Quarantine(QuarantineReason.NOT_FOUND))
    return row_id


def handle(session: Session, *, event_id: UUID) -> None:
    """Handle a stored event, unless it has been handled or another transaction is handling it.

    Must be called in a ledger transaction, because handlers post. An event that its handler
    refuses is retried with exponential backoff; one that contradicts our record is quarantined.
    """
    require_ledger_lock(session)
    event = repository.lock_received(session, event_id)
    if event is None:
        return
    try:
        with savepoint(session):  # undoes the changes of a handler that raises
            handlers[event.topic].handle(session, event)
    except Quarantine as contradiction:
        _quarantine(session, event, contradiction)
    except AppError as refusal:
        _postpone(event, reason=refusal.text)
    else:
        event.status, event.processed_at = InboundEventStatus.PROCESSED.value, clock.now()


def _quarantine(session: Session, event: InboundEvent, contradiction: Quarantine) -> None:
    event.status, event.processed_at = InboundEventStatus.QUARANTINED.value, clock.now()
    event.last_error = contradiction.reason.value
    quarantined = BankEventQuarantined.of(
        event,
        reason=contradiction.reason.value,
        ours=contradiction.ours,
        theirs=contradiction.theirs,
    )
    events.record(session, [quarantined])


def postpone(session: Session, *, event_id: UUID, reason: str) -> None:
    """Record that an event could not be handled, and schedule the next attempt."""
    event = repository.lock_received(session, event_id)
    if event is not None:
        _postpone(event, reason=reason)


def _postpone(event: InboundEvent, *, reason: str) -> None:
    event.next_attempt_at = clock.now() + _BACKOFF.delay(event.attempts)
    event.attempts += 1
    event.last_error = reason


def retry(session: Session, *, actor_id: UUID, event_id: UUID, reason: str) -> InboundEvent:
    """Handle a quarantined event again, after the cause was fixed. The caller enqueues it.

    actor_id: the administrator; reason: why. Raises InboundEventNotFound,
    InboundEventNotQuarantined, InboundEventNotRetryable.
    """
    event = _require_quarantined(session, event_id)
    if event.last_error not in RETRYABLE:
        raise InboundEventNotRetryable(event.last_error or "")
    event.status, event.processed_at = InboundEventStatus.RECEIVED.value, None
    event.attempts += 1
    event.next_attempt_at = clock.now()
    _audit(session, "inbound-event.retry", event, actor_id=actor_id, reason=reason)
    return event


def dismiss(session: Session, *, actor_id: UUID, event_id: UUID, reason: str) -> InboundEvent:
    """Record that a quarantined event has been dealt with, outside of this system. It has no other
    effect.

    actor_id: the administrator; reason: what was done. Raises InboundEventNotFound,
    InboundEventNotQuarantined.
    """
    event = _require_quarantined(session, event_id)
    event.status = InboundEventStatus.DISMISSED.value
    _audit(session, "inbound-event.dismiss", event, actor_id=actor_id, reason=reason)
    return event


def _require_quarantined(session: Session, event_id: UUID) -> InboundEvent:
    event = repository.get_event_for_update(session, event_id)
    if event is None:
        raise InboundEventNotFound
    if event.status != InboundEventStatus.QUARANTINED:
        raise InboundEventNotQuarantined(status=event.status)
    return event


def _audit(
    session: Session, action: str, event: InboundEvent, *, actor_id: UUID, reason: str
) -> None:
    audit.record(
        session,
        actor_id=actor_id,
        action=action,
        target=("inbound-event", event.id),
        reason=reason,
        details={
            "provider": event.provider,
            "type": event.type,
            "reference": event.reference,
            "quarantinedBecause": event.last_error,
        },
    )


def list_due(session: Session, *, limit: int) -> list[UUID]:
    """Ids of due events: their job was lost, or an attempt to handle them failed."""
    return list(repository.list_due(session, now=clock.now(), limit=limit))
