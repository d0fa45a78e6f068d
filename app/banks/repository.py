"""SQL of the inbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.banks.models import BankEvent, EventStatus


def insert_event(session: Session, **values: Any) -> UUID | None:
    """The id of the new row; None when the bank has sent this event before."""
    statement = insert(BankEvent).values(**values)
    return session.scalar(
        statement.on_conflict_do_nothing(constraint="uq_bank_events_event").returning(BankEvent.id)
    )


def lock_received(session: Session, event_id: UUID) -> BankEvent | None:
    """The event, if nothing has come of it yet and nobody else is at it."""
    query = select(BankEvent).where(
        BankEvent.id == event_id, BankEvent.status == EventStatus.RECEIVED
    )
    return session.scalar(
        query.with_for_update(key_share=True, skip_locked=True).execution_options(
            populate_existing=True
        )
    )


def due(session: Session, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Ids of events that wait, those that have waited longest first."""
    query = select(BankEvent.id).where(
        BankEvent.status == EventStatus.RECEIVED, BankEvent.next_attempt_at <= now
    )
    return session.scalars(query.order_by(BankEvent.next_attempt_at).limit(limit)).all()
