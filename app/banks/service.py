"""The inbox: what banks say is stored first and takes effect later, once.

This module does not know what the messages mean. Who does registers a handler (`on`).
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from app.banks import repository
from app.banks.errors import Quarantine, ReferenceUnknown
from app.banks.models import BankEvent, EventStatus
from app.common import clock
from app.common.db import new_id, savepoint
from app.common.errors import AppError
from app.common.money import EXPONENTS, AmountInvalid, Money
from app.events import service as events

_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)


class Handler(Protocol):
    """Who knows what messages of one topic mean. A module can be one."""

    def knows(self, session: Session, *, provider: str, reference: str) -> bool:
        """Whether we asked this bank for something under that reference."""

    def apply(self, session: Session, event: BankEvent) -> None:
        """Do what follows from the event, or nothing if that was done already.

        Raises Quarantine when it cannot be true, and an AppError when it is to be tried later.
        """


_handlers: dict[str, Handler] = {}
_stand_in_line: Callable[[Session], object] | None = None


def on(topic: str, handler: Handler) -> None:
    """Have `handler` deal with events whose type begins with `topic` and a dot.

    Called by the factory, because the modules that know stand above this one.
    """
    _handlers[topic] = handler


def begin_with(stand_in_line: Callable[[Session], object]) -> None:
    """Have this called first in each transaction in which an event takes effect."""
    global _stand_in_line
    _stand_in_line = stand_in_line


def receive(
    session: Session,
    *,
    provider: str,
    event_id: str,
    body: str,
    kind: str,
    reference: str,
    amount: Decimal | None,
    currency: str | None,
    user_id: str | None,
    bank_reference: str | None,
    reason: str | None,
) -> UUID | None:
    """Store a message that `provider` has signed; the id of its row, None if it is a repetition.

    provider: the code of a bank, or of the gateway; kind: what it says, such as an EventType;
    amount: units of `currency`. Raises ReferenceUnknown, and stores nothing then.
    """
    handler = _handlers.get(kind.partition(".")[0])
    if handler is None or not handler.knows(session, provider=provider, reference=reference):
        raise ReferenceUnknown
    now = clock.now()
    return repository.insert_event(
        session,
        id=new_id(),
        provider=provider,
        event_id=event_id,
        type=kind,
        reference=reference,
        amount=_minor(amount, currency),
        currency=currency,
        user_id=user_id,
        bank_reference=bank_reference,
        reason=reason,
        body=body,
        status=EventStatus.RECEIVED.value,
        next_attempt_at=now,
        received_at=now,
    )


def _minor(amount: Decimal | None, currency: str | None) -> int | None:
    if amount is None or currency not in EXPONENTS:
        return None
    try:
        return Money.of(amount, currency).minor
    except AmountInvalid:
        return None


def settle(session: Session, *, event_id: UUID) -> None:
    """Have an event take effect, unless it has or somebody else is at it.

    The transaction must be new. What is refused for now waits, longer each time; what cannot be
    true is set aside.
    """
    if _stand_in_line is not None:
        _stand_in_line(session)
    event = repository.lock_received(session, event_id)
    if event is None:
        return
    try:
        with savepoint(session):  # a refusal leaves nothing behind
            _handlers[event.topic].apply(session, event)
    except Quarantine as doubt:
        _set_aside(session, event, doubt)
    except AppError as refusal:
        _wait(event, because=refusal.text)
    else:
        event.status, event.processed_at = EventStatus.PROCESSED.value, clock.now()


def _set_aside(session: Session, event: BankEvent, doubt: Quarantine) -> None:
    event.status, event.processed_at = EventStatus.QUARANTINED.value, clock.now()
    event.last_error = doubt.reason
    data = {
        "provider": event.provider,
        "eventId": event.event_id,
        "type": event.type,
        "reason": doubt.reason,
        "ours": doubt.ours,
        "theirs": doubt.theirs,
    }
    events.record(session, [events.Event("bank-event-quarantined", "bank_event", event.id, data)])


def postpone(session: Session, *, event_id: UUID, because: str) -> None:
    """Note that an event could not take effect, so that it is tried again later."""
    event = repository.lock_received(session, event_id)
    if event is not None:
        _wait(event, because=because)


def _wait(event: BankEvent, *, because: str) -> None:
    pause = min(_FIRST_PAUSE * 2 ** min(event.attempts, 10), _LONGEST_PAUSE)
    event.attempts += 1
    event.next_attempt_at = clock.now() + pause
    event.last_error = because


def waiting(session: Session, *, limit: int) -> list[UUID]:
    """Events that are due: their job was lost, or they could not take effect before."""
    return list(repository.due(session, now=clock.now(), limit=limit))
