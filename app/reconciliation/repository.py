"""SQL of reconciliation: our side of what a bank has booked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.onramp.models import Onramp, OnrampStatus
from app.payouts.models import Payout, PayoutStatus

_ONRAMP = (
    Onramp.token.label("reference"),
    Onramp.id,
    Onramp.user_id,
    Onramp.amount,
    Onramp.currency,
    Onramp.status,
)
_PAYOUT = (
    Payout.id.label("reference"),
    Payout.id,
    Payout.user_id,
    Payout.amount,
    Payout.currency,
    Payout.status,
)


def onramps_called(session: Session, *, provider: str, tokens: Sequence[str]) -> Sequence[Any]:
    query = select(*_ONRAMP).where(Onramp.provider == provider, Onramp.token.in_(tokens))
    return session.execute(query).all()


def payouts_called(session: Session, *, provider: str, ids: Sequence[UUID]) -> Sequence[Any]:
    query = select(*_PAYOUT).where(Payout.provider == provider, Payout.id.in_(ids))
    return session.execute(query).all()


def onramps_within(
    session: Session, *, provider: str, since: datetime, until: datetime
) -> Sequence[Any]:
    """Those that were asked for and succeeded between these moments, in the order of asking."""
    query = select(*_ONRAMP).where(
        Onramp.provider == provider,
        Onramp.status == OnrampStatus.SUCCESS,
        Onramp.created_at >= since,
        Onramp.closed_at >= since,  # as the line above says, in words that the index knows
        Onramp.closed_at < until,
    )
    return session.execute(query.order_by(Onramp.id)).all()


def payouts_within(
    session: Session, *, provider: str, since: datetime, until: datetime
) -> Sequence[Any]:
    """Those that were asked for and paid between these moments, in the order of asking."""
    query = select(*_PAYOUT).where(
        Payout.provider == provider,
        Payout.status == PayoutStatus.PAID,
        Payout.created_at >= since,
        Payout.settled_at >= since,
        Payout.settled_at < until,
    )
    return session.execute(query.order_by(Payout.id)).all()
