"""Asking the gateway about checkouts of which it has told nothing."""

from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.backoff import Backoff
from app.common.polling import Polling
from app.events import service as events
from app.events.catalogue.orders import CheckoutFlagged
from app.orders import repository
from app.orders.models import Checkout

#: By the first attempt, a request without an Idempotency-Key has created its checkout session or
#: failed. A checkout is flagged after several hours of attempts.
POLLING: Final = Polling(
    Backoff(first=timedelta(minutes=2), max_delay=timedelta(hours=1)), max_attempts=10
)
_BATCH: Final = 100


def claim_due(session: Session) -> list[UUID]:
    """Claim orders for which the gateway should be polled now, and schedule their next attempt.

    If the caller dies, they become due again. Concurrent callers claim different ones.
    """
    due = repository.lock_due_checkouts(session, now=clock.now(), limit=_BATCH)
    POLLING.schedule_next(due, flag=partial(_flag, session))
    return [checkout.order_id for checkout in due]


def flag(session: Session, *, order_id: UUID, reason: str) -> None:
    """Flag an order for manual review. Its processing continues."""
    _flag(session, repository.get_payable_order(session, order_id).Checkout, reason)


def _flag(session: Session, checkout: Checkout, reason: str) -> None:
    if checkout.flag():  # once, not with every attempt
        order_id = checkout.order_id
        number = repository.get_number(session, order_id)
        flagged = CheckoutFlagged(aggregate_id=order_id, order_number=number, reason=reason)
        events.record(session, [flagged])
