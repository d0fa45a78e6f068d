"""SQL of reconciliation: our on-ramps and payouts at a bank."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.onramp.models import Onramp, OnrampStatus
from app.payouts.models import Payout, PayoutStatus

#: Values per query.
_BATCH_SIZE: Final = 5_000

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


def list_onramps_by_token(
    session: Session, *, provider: str, tokens: Sequence[str]
) -> Iterator[Any]:
    query = select(*_ONRAMP).where(Onramp.provider == provider)
    return _rows_with(session, query, Onramp.token, tokens)


def list_payouts_by_id(session: Session, *, provider: str, ids: Sequence[UUID]) -> Iterator[Any]:
    query = select(*_PAYOUT).where(Payout.provider == provider)
    return _rows_with(session, query, Payout.id, ids)


def list_onramps_by_bank_reference(
    session: Session, *, provider: str, references: Sequence[str]
) -> Iterator[Any]:
    """`reference` and `bank_reference` of on-ramps."""
    query = select(Onramp.token.label("reference"), Onramp.bank_reference)
    return _rows_with(
        session, query.where(Onramp.provider == provider), Onramp.bank_reference, references
    )


def list_payouts_by_bank_reference(
    session: Session, *, provider: str, references: Sequence[str]
) -> Iterator[Any]:
    """`reference` and `bank_reference` of payouts."""
    query = select(Payout.id.label("reference"), Payout.bank_reference)
    return _rows_with(
        session, query.where(Payout.provider == provider), Payout.bank_reference, references
    )


def _rows_with(
    session: Session,
    query: Select[*tuple[Any, ...]],
    column: InstrumentedAttribute[Any],
    values: Sequence[Any],
) -> Iterator[Any]:
    """The rows whose column has one of these values, of any number."""
    for start in range(0, len(values), _BATCH_SIZE):
        yield from session.execute(query.where(column.in_(values[start : start + _BATCH_SIZE])))


def list_successful_onramps(
    session: Session, *, provider: str, since: datetime, until: datetime
) -> Sequence[Any]:
    """On-ramps that were created and succeeded in this period, oldest first."""
    query = select(*_ONRAMP).where(
        Onramp.provider == provider,
        Onramp.status == OnrampStatus.SUCCESS,
        Onramp.created_at >= since,
        Onramp.closed_at >= since,  # implied by the line above; for the index
        Onramp.closed_at < until,
    )
    return session.execute(query.order_by(Onramp.id)).all()


def list_paid_payouts(
    session: Session, *, provider: str, since: datetime, until: datetime
) -> Sequence[Any]:
    """Payouts that were created and paid in this period, oldest first."""
    query = select(*_PAYOUT).where(
        Payout.provider == provider,
        Payout.status == PayoutStatus.PAID,
        Payout.created_at >= since,
        Payout.settled_at >= since,
        Payout.settled_at < until,
    )
    return session.execute(query.order_by(Payout.id)).all()
