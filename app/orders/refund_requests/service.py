"""Refund requests: a buyer requests a refund, and the merchant approves or declines it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.service import Caller
from app.common import clock
from app.common.db import constraint_name
from app.common.ids import new_id
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
    OrderNotFound,
    OrderNotRefundable,
    RefundRequestClosed,
    RefundRequestNotFound,
    RefundRequestOpen,
)
from app.orders.models import Order, OrderStatus, Refund, RefundRequest, RefundRequestStatus
from app.orders.refunds import service as refunds


@dataclass(frozen=True, slots=True)
class RefundRequestDetails:
    """A refund request, and the number of its order."""

    refund_request: RefundRequest
    order_number: str

    @property
    def currency(self) -> str:
        return self.refund_request.currency


_EVENTS: Final[dict[RefundRequestStatus, type[RefundRequestEvent]]] = {
    RefundRequestStatus.APPROVED: RefundRequestApproved,
    RefundRequestStatus.DECLINED: RefundRequestDeclined,
    RefundRequestStatus.WITHDRAWN: RefundRequestWithdrawn,
}


def create_refund_request(
    session: Session,
    *,
    buyer: User | Caller,
    order_id: UUID,
    reason: str,
    amount: Decimal | None = None,
    units: int | None = None,
) -> RefundRequestDetails:
    """Request a refund of `amount`, of `units`, or of all that remains.

    Raises OrderNotFound, OrderNotRefundable, RefundTooLarge, RefundRequestOpen, AmountInvalid,
    AmountNotPayable.
    """
    order = _require_bought(session, order_id=order_id, user_id=buyer.id)
    minor = None if amount is None else Money.of(amount, order.currency).minor
    refunds.break_down(order, amount=minor, units=units)
    refund_request = RefundRequest(
        id=new_id(),
        order_id=order.id,
        user_id=buyer.id,
        merchant_id=order.merchant_id,
        amount=minor,
        units=units,
        currency=order.currency,
        reason=reason,
        status=RefundRequestStatus.OPEN.value,
        created_at=clock.now(),
    )
    try:
        repository.insert_refund_request(session, refund_request)
    except IntegrityError as error:
        if constraint_name(error) == "uq_refund_requests_open":
            raise RefundRequestOpen from error
        raise
    events.record(session, [RefundRequested.of(refund_request, order_number=order.number)])
    return RefundRequestDetails(refund_request, order.number)


def _require_bought(session: Session, *, order_id: UUID, user_id: UUID) -> Order:
    row = repository.get_order_for(session, order_id=order_id, user_id=user_id)
    if row is None or row.Order.user_id != user_id:
        raise OrderNotFound
    order: Order = row.Order
    if order.status != OrderStatus.COMPLETED:
        raise OrderNotRefundable(status=order.status)
    return order


def approve_refund_request(
    session: Session,
    *,
    merchant: User | Caller,
    refund_request_id: UUID,
    answer: str | None = None,
    idempotency_key: str | None = None,
) -> tuple[RefundRequestDetails, Refund]:
    """Approve a request and refund the order in the same transaction.

    Raises RefundRequestNotFound, RefundRequestClosed, OrderNotRefundable, RefundTooLarge and what
    `refunds.refund_locked` raises.
    """
    refund_request = _require_open(session, refund_request_id, merchant_id=merchant.id)
    locked = refunds.lock_order(session, order_id=refund_request.order_id, merchant_id=merchant.id)
    refund = refunds.refund_locked(
        session,
        locked,
        refunds.break_down(locked.order, amount=refund_request.amount, units=refund_request.units),
        by=merchant.id,
        reason=refund_request.reason,
        idempotency_key=idempotency_key,
    )
    refund_request.refund_id = refund.id
    return _decide(session, refund_request, RefundRequestStatus.APPROVED, answer), refund


def decline_refund_request(
    session: Session, *, merchant_id: UUID, refund_request_id: UUID, answer: str | None = None
) -> RefundRequestDetails:
    """Decline a request. Raises RefundRequestNotFound, RefundRequestClosed."""
    refund_request = _require_open(session, refund_request_id, merchant_id=merchant_id)
    return _decide(session, refund_request, RefundRequestStatus.DECLINED, answer)


def withdraw_refund_request(
    session: Session, *, buyer_id: UUID, refund_request_id: UUID
) -> RefundRequestDetails:
    """Withdraw a request. Raises RefundRequestNotFound, RefundRequestClosed."""
    refund_request = _require_open(session, refund_request_id, user_id=buyer_id)
    return _decide(session, refund_request, RefundRequestStatus.WITHDRAWN, None)


def _require_open(session: Session, refund_request_id: UUID, **whose: UUID) -> RefundRequest:
    """The request, locked. whose: merchant_id or user_id."""
    refund_request = repository.get_refund_request_for_update(session, refund_request_id, **whose)
    if refund_request is None:
        raise RefundRequestNotFound
    if refund_request.status != RefundRequestStatus.OPEN:
        raise RefundRequestClosed(status=refund_request.status)
    return refund_request


def _decide(
    session: Session, refund_request: RefundRequest, status: RefundRequestStatus, answer: str | None
) -> RefundRequestDetails:
    refund_request.status, refund_request.answer, refund_request.decided_at = (
        status.value,
        answer,
        clock.now(),
    )
    session.flush()
    number = repository.get_number(session, refund_request.order_id)
    events.record(session, [_EVENTS[status].of(refund_request, order_number=number)])
    return RefundRequestDetails(refund_request, number)


def list_refund_requests(
    session: Session,
    page: PageRequest,
    *,
    user_id: UUID,
    role: str | None = None,
    order_id: UUID | None = None,
    status: str | None = None,
) -> Page[RefundRequestDetails]:
    """Requests that the user made or received, newest first.

    role: `buyer` or `merchant` for only one of the two; order_id: only of this order; status: a
    RefundRequestStatus.
    """
    found = repository.list_refund_requests(
        session, page, user_id=user_id, role=role, order_id=order_id, status=status
    )
    return found.with_data(RefundRequestDetails(*row) for row in found.data)
