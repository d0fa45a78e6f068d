"""SQL of the inbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.common.rows import lock_row
from app.inbox.models import InboundEvent, InboundEventStatus


def insert_event(session: Session, **values: Any) -> UUID | None:
    """The id of the new row; None when the provider has sent this event before."""
    statement = insert(InboundEvent).values(**values)
    return session.scalar(
        statement.on_conflict_do_nothing(constraint="uq_inbound_events_event").returning(
            InboundEvent.id
        )
    )


def lock_received(session: Session, event_id: UUID) -> InboundEvent | None:
    """The event, unless it has been handled or another transaction has locked it."""
    query = select(InboundEvent).where(
        InboundEvent.id == event_id, InboundEvent.status == InboundEventStatus.RECEIVED
    )
    return session.scalar(
        query.with_for_update(key_share=True, skip_locked=True).execution_options(
            populate_existing=True
        )
    )


def get_event_for_update(session: Session, event_id: UUID) -> InboundEvent | None:
    return lock_row(session, InboundEvent, event_id)


def list_due(session: Session, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Ids of events whose next attempt is due, the longest overdue first."""
    query = select(InboundEvent.id).where(
        InboundEvent.status == InboundEventStatus.RECEIVED, InboundEvent.next_attempt_at <= now
    )
    return session.scalars(query.order_by(InboundEvent.next_attempt_at).limit(limit)).all()
