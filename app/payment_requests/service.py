"""Payment requests: a user asks a payer, or anyone with the link, for money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.auth.profile import Profile
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
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
)
from app.ledger_lock.service import acquire_ledger_lock
from app.payment_requests import repository
from app.payment_requests.errors import (
    CannotDecideRequest,
    PaymentRequestClosed,
    PaymentRequestNotFound,
)
from app.payment_requests.models import PaymentRequest, RequestStatus
from app.payment_requests.payment_links import link_to, may_be_token, new_token
from app.transfers import recipients
from app.transfers.recipients import UserIdentifier

_EVENTS: Final[dict[RequestStatus, type[PaymentRequestEvent]]] = {
    RequestStatus.DECLINED: PaymentRequestDeclined,
    RequestStatus.CANCELLED: PaymentRequestCancelled,
    RequestStatus.EXPIRED: PaymentRequestExpired,
}


@dataclass(frozen=True, slots=True)
class PaymentRequestDetails:
    """A request with its parties. status: as of now, also if an expired row is still OPEN."""

    request: PaymentRequest
    status: RequestStatus
    requester: User | Profile
    payer: User | Profile | None


def create_request(
    session: Session,
    *,
    requester: User,
    payer: UserIdentifier | None,
    amount: Decimal | None,
    currency: str,
    note: str | None,
    expires_in: timedelta,
    verified_only: bool = False,
) -> PaymentRequestDetails:
    """Create a request. payer: None for anyone; amount: units of `currency`, None if open;
    verified_only: whether an email address or phone number of the payer must be verified, so that
    no stranger reads the request.

    Raises RecipientNotFound, CannotTransferToSelf, RecipientNotVerified, AmountInvalid,
    QuotaExceeded.
    """
    quotas.require_room(session, user_id=requester.id, quota=Quota.PAYMENT_REQUESTS)
    recipient = (
        recipients.require_recipient(session, payer, caller_id=requester.id, currency=currency)
        if payer is not None
        else None
    )
    if verified_only and payer is not None and recipient is not None:
        recipients.require_verified(payer, recipient)
    now = clock.now()
    request = PaymentRequest(
        id=new_id(),
        token=new_token(),
        requester_id=requester.id,
        payer_id=recipient.id if recipient else None,
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
    return PaymentRequestDetails(request, RequestStatus.OPEN, requester, recipient)


def count_open_requests(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The number of open requests of the user. limit: as of `quotas.Count`."""
    return repository.count_open_requests(session, requester_id=user_id, limit=limit)


def decline_request(session: Session, *, user_id: UUID, request_id: UUID) -> PaymentRequestDetails:
    """Decline a request that is addressed to the user.

    Raises PaymentRequestNotFound, CannotDecideRequest, PaymentRequestClosed.
    """
    request = _require_party(session, user_id=user_id, request_id=request_id)
    return _decide(
        session, request, RequestStatus.DECLINED, user_id=user_id, decider_id=request.payer_id
    )


def cancel_request(session: Session, *, user_id: UUID, request_id: UUID) -> PaymentRequestDetails:
    """Cancel a request of the user.

    Raises PaymentRequestNotFound, CannotDecideRequest, PaymentRequestClosed.
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
) -> PaymentRequestDetails:
    """Close an open request without a payment. decider_id: the one user who can."""
    if user_id != decider_id:
        raise CannotDecideRequest
    _close(session, request, status, require_open(request))
    return _with_parties(session, [request])[0]


def expire_requests(session: Session, *, limit: int) -> int:
    """Close at most `limit` expired requests; the number closed."""
    now = clock.now()
    due = repository.lock_expired(session, now=now, limit=limit)
    for request in due:
        _close(session, request, RequestStatus.EXPIRED, now)
    return len(due)


def _require_party(session: Session, *, user_id: UUID, request_id: UUID) -> PaymentRequest:
    """The request, locked. With the ledger lock: a batch that pays it would fail otherwise."""
    request = repository.get_request_of(session, request_id=request_id, user_id=user_id)
    if request is None or user_id not in (request.requester_id, request.payer_id):
        raise PaymentRequestNotFound
    acquire_ledger_lock(session)
    return repository.lock_request(session, request_id)


def _status(request: PaymentRequest, now: datetime) -> RequestStatus:
    """The status as of now, even if the scheduled job has not closed an expired request yet."""
    is_late = request.status == RequestStatus.OPEN and now >= request.expires_at
    return RequestStatus.EXPIRED if is_late else RequestStatus(request.status)


def require_open(request: PaymentRequest) -> datetime:
    """Require an open request. Returns the time at which it may be closed."""
    now = clock.now()
    if (status := _status(request, now)) != RequestStatus.OPEN:
        raise PaymentRequestClosed(status=status)
    return now


def _close(session: Session, request: PaymentRequest, status: RequestStatus, now: datetime) -> None:
    request.status, request.closed_at = status.value, now
    session.flush()
    events.record(session, [_EVENTS[status].of(request)])


def require_request(session: Session, *, request_id: UUID, user_id: UUID) -> PaymentRequestDetails:
    """A request, for its requester and its payer.

    Raises PaymentRequestNotFound for anyone else.
    """
    request = repository.get_request_of(session, request_id=request_id, user_id=user_id)
    if request is None:
        raise PaymentRequestNotFound
    return _with_parties(session, [request])[0]


def require_request_by_token(session: Session, token: str) -> PaymentRequestDetails:
    """A request by the token in its link. Raises PaymentRequestNotFound."""
    request = repository.get_request_by_token(session, token) if may_be_token(token) else None
    if request is None:
        raise PaymentRequestNotFound
    return _with_parties(session, [request])[0]


def page_of(session: Session, data: Mapping[str, Any], base: str) -> str | None:
    """The payment page of the request of an event. data: of the event, with the `id` of the
    request; base: public address of the application."""
    request = repository.get_request(session, UUID(data["id"]))
    return link_to(request.token, base=base) if request is not None else None


def list_requests(
    session: Session,
    page: PageRequest,
    *,
    user_id: UUID,
    as_requester: bool = True,
    as_payer: bool = True,
) -> Page[PaymentRequestDetails]:
    """Requests that the user made or received, newest first."""
    found = repository.list_requests(
        session, page, user_id=user_id, as_requester=as_requester, as_payer=as_payer
    )
    return found.with_data(_with_parties(session, found.data))


def _with_parties(session: Session, rows: Sequence[PaymentRequest]) -> list[PaymentRequestDetails]:
    ids = {user_id for row in rows for user_id in (row.requester_id, row.payer_id) if user_id}
    users, now = auth.get_users_by_id(session, list(ids)), clock.now()
    return [
        PaymentRequestDetails(
            row,
            _status(row, now),
            users[row.requester_id],
            users[row.payer_id] if row.payer_id else None,
        )
        for row in rows
    ]
