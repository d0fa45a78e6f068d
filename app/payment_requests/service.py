"""Payment requests: a user asks a payer, or anyone with the link, for money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.auth.service import Caller
from app.auth.two_factor.service import SecondFactor
from app.common import clock
from app.common.ids import new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.events import service as events
from app.events.catalogue.wallets import (
    PaymentRequestCancelled,
    PaymentRequestCreated,
    PaymentRequestDeclined,
    PaymentRequestEvent,
    PaymentRequestExpired,
    PaymentRequestPaid,
)
from app.payment_requests import repository
from app.payment_requests.errors import (
    CannotPayOwnRequest,
    NotYoursToDecide,
    PaymentRequestClosed,
    PaymentRequestNotFound,
)
from app.payment_requests.models import PaymentRequest, RequestStatus
from app.payment_requests.terms import amount_due, may_be_token, new_token
from app.transfers import recipients
from app.transfers import service as transfers
from app.transfers.models import Purpose
from app.transfers.recipients import Handle
from app.transfers.service import Sent

_EVENTS: Final[dict[RequestStatus, type[PaymentRequestEvent]]] = {
    RequestStatus.PAID: PaymentRequestPaid,
    RequestStatus.DECLINED: PaymentRequestDeclined,
    RequestStatus.CANCELLED: PaymentRequestCancelled,
    RequestStatus.EXPIRED: PaymentRequestExpired,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its parties. status: as of now; an expired row may still be OPEN."""

    request: PaymentRequest
    status: RequestStatus
    requester: User
    payer: User | None


def ask(
    session: Session,
    *,
    requester: User,
    payer: Handle | None,
    amount: Decimal | None,
    currency: str,
    note: str | None,
    expires_in: timedelta,
) -> Asked:
    """Create a request. payer: None for anyone; amount: units of `currency`, None if open.

    Raises RecipientNotFound, CannotTransferToSelf, AmountInvalid.
    """
    asked = (
        recipients.require_other(session, payer, caller_id=requester.id, currency=currency)
        if payer is not None
        else None
    )
    now = clock.now()
    request = PaymentRequest(
        id=new_id(),
        token=new_token(),
        requester_id=requester.id,
        payer_id=asked.id if asked else None,
        amount=Money.of(amount, currency).minor if amount is not None else None,
        currency=currency,
        note=note,
        status=RequestStatus.OPEN.value,
        transfer_id=None,
        expires_at=now + expires_in,
        created_at=now,
        closed_at=None,
    )
    repository.insert_request(session, request)
    events.record(session, [PaymentRequestCreated.of(request)])
    return Asked(request, RequestStatus.OPEN, requester, asked)


def pay(
    session: Session,
    *,
    payer: Caller,
    request_id: UUID,
    amount: Decimal | None,
    second_factor: SecondFactor,
    idempotency_key: str | None,
) -> Sent:
    """Pay a request, once: by its payer, or by anyone if it names none.

    amount: units of the request's currency, for one that leaves it open; second_factor: the
    payer's.
    Raises PaymentRequestNotFound, PaymentRequestClosed, CannotPayOwnRequest, AmountNotYours and
    what `transfers.send` raises.
    """
    request = repository.get_request_for_update(session, request_id)
    if request is None or payer.id not in (request.requester_id, request.payer_id or payer.id):
        raise PaymentRequestNotFound
    if request.requester_id == payer.id:
        raise CannotPayOwnRequest
    now = _require_open(request)
    money = amount_due(request.amount, amount, currency=request.currency)
    sent = transfers.send(
        session,
        sender=payer,
        to=Handle(user_id=request.requester_id),
        money=money,
        second_factor=second_factor,
        note=request.note,
        reference=(Purpose.PAYMENT_REQUEST, request.id),
        idempotency_key=idempotency_key,
    )
    request.amount, request.transfer_id = money.minor, sent.transfer.id
    _close(session, request, RequestStatus.PAID, now)
    return sent


def decline(session: Session, *, user_id: UUID, request_id: UUID) -> Asked:
    """Decline a request that is addressed to the user.

    Raises PaymentRequestNotFound, NotYoursToDecide, PaymentRequestClosed.
    """
    request = _require_party(session, user_id=user_id, request_id=request_id)
    return _decide(
        session, request, RequestStatus.DECLINED, user_id=user_id, decider_id=request.payer_id
    )


def cancel(session: Session, *, user_id: UUID, request_id: UUID) -> Asked:
    """Cancel a request of the user.

    Raises PaymentRequestNotFound, NotYoursToDecide, PaymentRequestClosed.
    """
    request = _require_party(session, user_id=user_id, request_id=request_id)
    return _decide(
        session, request, RequestStatus.CANCELLED, user_id=user_id, decider_id=request.requester_id
    )


def _decide(
    session: Session,
    request: PaymentRequest,
    status: RequestStatus,
    *,
    user_id: UUID,
    decider_id: UUID | None,
) -> Asked:
    """Close an open request without a payment. decider_id: the one user who can."""
    if user_id != decider_id:
        raise NotYoursToDecide
    _close(session, request, status, _require_open(request))
    return _with_parties(session, [request])[0]


def expire_due(session: Session, *, limit: int) -> int:
    """Close at most `limit` expired requests; the number closed."""
    now = clock.now()
    due = repository.lock_expired(session, now=now, limit=limit)
    for request in due:
        _close(session, request, RequestStatus.EXPIRED, now)
    return len(due)


def _require_party(session: Session, *, user_id: UUID, request_id: UUID) -> PaymentRequest:
    """The request, locked."""
    request = repository.get_request_for_update(session, request_id)
    if request is None or user_id not in (request.requester_id, request.payer_id):
        raise PaymentRequestNotFound
    return request


def _status(request: PaymentRequest, now: datetime) -> RequestStatus:
    """The status as of now, whether or not the sweep has closed an expired request."""
    is_late = request.status == RequestStatus.OPEN and now >= request.expires_at
    return RequestStatus.EXPIRED if is_late else RequestStatus(request.status)


def _require_open(request: PaymentRequest) -> datetime:
    """Require an open request. Returns the time at which it may be closed."""
    now = clock.now()
    if (status := _status(request, now)) != RequestStatus.OPEN:
        raise PaymentRequestClosed(status=status)
    return now


def _close(session: Session, request: PaymentRequest, status: RequestStatus, now: datetime) -> None:
    request.status, request.closed_at = status.value, now
    session.flush()
    events.record(session, [_EVENTS[status].of(request)])


def find(session: Session, *, request_id: UUID, user_id: UUID) -> Asked:
    """A request, for its requester and its payer.

    Raises PaymentRequestNotFound for anyone else.
    """
    request = repository.get_request_of(session, request_id=request_id, user_id=user_id)
    if request is None:
        raise PaymentRequestNotFound
    return _with_parties(session, [request])[0]


def find_by_token(session: Session, token: str) -> Asked:
    """A request by the token in its link. Raises PaymentRequestNotFound."""
    request = repository.get_request_by_token(session, token) if may_be_token(token) else None
    if request is None:
        raise PaymentRequestNotFound
    return _with_parties(session, [request])[0]


def of_user(
    session: Session, page: PageRequest, *, user_id: UUID, made: bool = True, asked: bool = True
) -> Page[Asked]:
    """Requests that the user made or received, newest first."""
    found = repository.list_requests(session, page, user_id=user_id, made=made, asked=asked)
    return found.with_data(_with_parties(session, found.data))


def _with_parties(session: Session, rows: Sequence[PaymentRequest]) -> list[Asked]:
    ids = {user_id for row in rows for user_id in (row.requester_id, row.payer_id) if user_id}
    users, now = auth.users_by_id(session, list(ids)), clock.now()
    return [
        Asked(
            row,
            _status(row, now),
            users[row.requester_id],
            users[row.payer_id] if row.payer_id else None,
        )
        for row in rows
    ]
