"""SQL of on-ramps."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.common.driver import send, uuid_array
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_due
from app.inbox.models import InboundEvent, InboundEventStatus
from app.onramp.models import Onramp, OnrampStatus


def insert_onramp(session: Session, onramp: Onramp) -> None:
    insert_row(session, onramp)


def exists_with(session: Session, *, provider: str, token: str) -> bool:
    query = select(exists().where(Onramp.token == token, Onramp.provider == provider))
    return bool(session.scalar(query))


def lock_onramp(session: Session, *, provider: str, token: str) -> Onramp | None:
    query = select(Onramp).where(Onramp.token == token, Onramp.provider == provider)
    return session.scalar(
        query.with_for_update(key_share=True).execution_options(populate_existing=True)
    )


def get_onramp(session: Session, *, onramp_id: UUID, user_id: UUID) -> Onramp | None:
    return session.scalar(select(Onramp).where(Onramp.id == onramp_id, Onramp.user_id == user_id))


def list_onramps(
    session: Session, page: PageRequest, *, user_id: UUID, status: str | None
) -> Page[Onramp]:
    """The user's on-ramps, newest first. status: only those of this status."""
    query = select(Onramp).where(Onramp.user_id == user_id)
    if status is not None:
        query = query.where(Onramp.status == status)
    return paginate(session, page, query, Onramp.id)


_PROCESSING = f"""
    SELECT user_id, sum(amount) AS amount FROM onramps
    WHERE user_id = ANY(%(user_ids)s) AND currency = %(currency)s
        AND status = '{OnrampStatus.PROCESSING}'
    GROUP BY user_id
"""  # noqa: S608 – a constant of ours


def sum_processing(session: Session, *, user_ids: Iterable[UUID], currency: str) -> Iterable[Any]:
    """Minor units of the PROCESSING on-ramps of these users, one row for each who has any."""
    values = {"user_ids": uuid_array(user_ids), "currency": currency}
    return send(session, _PROCESSING, values)


def lock_overdue(session: Session, *, now: datetime, limit: int) -> Sequence[Onramp]:
    """Expired on-ramps, the oldest first, without those that another transaction has locked.

    An on-ramp that has an unhandled event of the bank is left out: the event decides about it.
    """
    has_event = exists().where(
        InboundEvent.provider == Onramp.provider,
        InboundEvent.reference == Onramp.token,
        InboundEvent.status == InboundEventStatus.RECEIVED,
    )
    processing = Onramp.status == OnrampStatus.PROCESSING
    return lock_due(session, Onramp.expires_at, processing, ~has_event, now=now, limit=limit)
