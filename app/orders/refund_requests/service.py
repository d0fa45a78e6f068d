"""Buyers' requests for refunds, and what merchants answer."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.service import Caller
from app.common import clock
from app.common.db import constraint_name, new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.events import service as events
from app.events.catalogue.orders import (
    RefundRequestApproved,
    RefundRequestDeclined,
    RefundRequested,
    RefundRequestEvent,
    RefundRequestWithdrawn,
)
from app.orders import repository
from app.orders.errors import (
    ClaimClosed,
    ClaimNotFound,
    ClaimOpen,
    OrderNotFound,
    OrderNotRefundable,
)
from app.orders.models import ClaimStatus, Order, OrderStatus, Refund, RefundClaim
from app.orders.refunds import service as refunds

_EVENTS: Final[dict[ClaimStatus, type[RefundRequestEvent]]] = {
    ClaimStatus.APPROVED: RefundRequestApproved,
    ClaimStatus.DECLINED: RefundRequestDeclined,
    ClaimStatus.WITHDRAWN: RefundRequestWithdrawn,
}


def ask(
    session: Session,
    *,
    buyer: User | Caller,
    order_id: UUID,
    reason: str,
    amount: Decimal | None = None,
    units: int | None = None,
) -> RefundClaim:
    """Ask the merchant for money back: for `amount`, for `units`, or for all that is left.

    Raises OrderNotFound, OrderNotRefundable, RefundTooLarge, ClaimOpen, AmountInvalid.
    """
    order = _require_bought(session, order_id=order_id, user_id=buyer.id)
    minor = None if amount is None else Money.of(amount, order.currency).minor
    refunds.share(order, amount=minor, units=units)
    claim = RefundClaim(
        id=new_id(),
        order_id=order.id,
        user_id=buyer.id,
        merchant_id=order.merchant_id,
        amount=minor,
        units=units,
        currency=order.currency,
        reason=reason,
        status=ClaimStatus.OPEN.value,
        created_at=clock.now(),
    )
    try:
        repository.insert_claim(session, claim)
    except IntegrityError as error:
        if constraint_name(error) == "uq_refund_claims_open":
            raise ClaimOpen from error
        raise
    _record(session, RefundRequested, claim)
    return claim


def _require_bought(session: Session, *, order_id: UUID, user_id: UUID) -> Order:
    row = repository.get_order_of(session, order_id=order_id, user_id=user_id)
    if row is None or row.Order.user_id != user_id:
        raise OrderNotFound
    order: Order = row.Order
    if order.status != OrderStatus.COMPLETED:
        raise OrderNotRefundable(status=order.status)
    return order


def approve(
    session: Session,
    *,
    merchant: User | Caller,
    claim_id: UUID,
    answer: str | None = None,
    idempotency_key: str | None = None,
) -> tuple[RefundClaim, Refund]:
    """Give what was asked for, in the same transaction.

    Raises ClaimNotFound, ClaimClosed, OrderNotRefundable, RefundTooLarge and what
    `refunds.carry_out` raises.
    """
    claim = _require_open(session, claim_id, merchant_id=merchant.id)
    held = refunds.hold(session, order_id=claim.order_id, merchant_id=merchant.id)
    refund = refunds.carry_out(
        session,
        held,
        refunds.share(held.order, amount=claim.amount, units=claim.units),
        by=merchant.id,
        reason=claim.reason,
        idempotency_key=idempotency_key,
    )
    claim.refund_id = refund.id
    return _decide(session, claim, ClaimStatus.APPROVED, answer), refund


def decline(
    session: Session, *, merchant_id: UUID, claim_id: UUID, answer: str | None = None
) -> RefundClaim:
    """Say no. Raises ClaimNotFound, ClaimClosed."""
    claim = _require_open(session, claim_id, merchant_id=merchant_id)
    return _decide(session, claim, ClaimStatus.DECLINED, answer)


def withdraw(session: Session, *, buyer_id: UUID, claim_id: UUID) -> RefundClaim:
    """Ask no longer. Raises ClaimNotFound, ClaimClosed."""
    claim = _require_open(session, claim_id, user_id=buyer_id)
    return _decide(session, claim, ClaimStatus.WITHDRAWN, None)


def _require_open(session: Session, claim_id: UUID, **whose: UUID) -> RefundClaim:
    """The request, locked. whose: merchant_id or user_id."""
    claim = repository.get_claim_for_update(session, claim_id, **whose)
    if claim is None:
        raise ClaimNotFound
    if claim.status != ClaimStatus.OPEN:
        raise ClaimClosed(status=claim.status)
    return claim


def _decide(
    session: Session, claim: RefundClaim, status: ClaimStatus, answer: str | None
) -> RefundClaim:
    claim.status, claim.answer, claim.decided_at = status.value, answer, clock.now()
    session.flush()
    _record(session, _EVENTS[status], claim)
    return claim


def _record(session: Session, event_type: type[RefundRequestEvent], claim: RefundClaim) -> None:
    event = event_type(
        aggregate_id=claim.id,
        order_id=claim.order_id,
        user_id=claim.user_id,
        merchant_id=claim.merchant_id,
        refund_id=claim.refund_id,
    )
    events.record(session, [event])


def of_user(
    session: Session, page: PageRequest, *, user_id: UUID, role: str | None = None
) -> Page[RefundClaim]:
    """Requests that the user made and those made to them, newest first.

    role: `buyer` or `merchant` for one of the two.
    """
    rows = repository.claims_of(
        session,
        user_id=user_id,
        role=role,
        limit=page.limit + 1,
        offset=page.offset,
        below=page.after[0] if page.after else None,
    )
    return Page.of(
        page,
        rows,
        count=lambda: repository.count_claims(session, user_id=user_id, role=role),
        key=lambda claim: (claim.id,),
    )
