"""Proof of ownership of email addresses and phone numbers ("handles").

Whoever proves to receive what is sent to a handle has it: an account that only claimed it, without
a proof, loses it. Requests only store a row, whether the handle is taken or not, so nobody can tell
from the answer or its timing. The process that sends mails decides later what to send, and to whom.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import repository as users
from app.auth import service
from app.auth.confusables import is_confusable
from app.auth.handles import repository
from app.auth.handles.errors import EmailConfusable, NothingToVerify, VerificationInvalid
from app.auth.handles.links import LINKS
from app.auth.handles.models import HandleVerification, Purpose
from app.auth.masking import masked_name
from app.auth.models import SessionKind, User
from app.common import clock
from app.common.ids import new_id
from app.common.time_zone import display_time
from app.events import service as events
from app.events.catalogue.accounts import EmailChanged, HandleLost, HandleVerified

#: How long a link or code is valid.
TTL: Final = {
    Purpose.EMAIL: timedelta(hours=24),
    Purpose.EMAIL_CHANGE: timedelta(hours=24),
    Purpose.EMAIL_RESTORE: timedelta(days=7),
    Purpose.EMAIL_REPLACED: timedelta(days=7),
    Purpose.PHONE: timedelta(minutes=10),
}
#: Those that users request.
_REQUESTED: Final = (Purpose.EMAIL, Purpose.EMAIL_CHANGE)
_LINKS: Final = (*_REQUESTED, Purpose.EMAIL_RESTORE)


def register(session: Session, *, email: str, claims_unverified: bool, **account: object) -> User:
    """Create an account, and request a link that verifies its address.

    claims_unverified: whether an address that another account has not verified is free. The new
    account has it once it is verified; until then it has none.
    account: as of `auth.service.register`. Raises EmailTaken.
    """
    is_claimed = claims_unverified and _is_unverified(session, email)
    user = service.register(session, email=None if is_claimed else email, **account)  # type: ignore[arg-type]
    request(session, user_id=user.id, purpose=Purpose.EMAIL, handle=email)
    return user


def require_email_free(session: Session, *, email: str, claims_unverified: bool) -> None:
    """As `auth.service.require_email_free`. claims_unverified: as of `register`."""
    if not (claims_unverified and _is_unverified(session, email)):
        service.require_email_free(session, email=email)


def _is_unverified(session: Session, email: str) -> bool:
    """Whether an account has the address and has not verified it."""
    holder = service.get_user_by_email(session, email=email)
    return holder is not None and holder.email_verified_at is None


def request(
    session: Session,
    *,
    user_id: UUID,
    purpose: Purpose,
    handle: str,
    session_id: UUID | None = None,
) -> None:
    """Request a link or code. Earlier codes, and earlier links that change the address, end."""
    now = clock.now()
    if purpose in (Purpose.EMAIL_CHANGE, Purpose.PHONE):
        repository.close_open(session, user_id=user_id, purposes=[purpose], now=now)
    repository.insert_verification(
        session,
        id=new_id(),
        user_id=user_id,
        purpose=purpose.value,
        handle=handle,
        session_id=session_id,
        created_at=now,
    )


def request_email_verification(session: Session, *, user: User) -> None:
    """Request another link for the address of the account. Raises NothingToVerify,
    EmailConfusable."""
    if user.email is None or user.email_verified_at is not None:
        raise NothingToVerify
    if is_confusable(user.email):
        raise EmailConfusable
    request(session, user_id=user.id, purpose=Purpose.EMAIL, handle=user.email)


def cancel_requests(session: Session, *, user_id: UUID) -> None:
    """Invalidate what somebody with an earlier password may have requested."""
    repository.close_open(
        session, user_id=user_id, purposes=[Purpose.EMAIL_CHANGE], now=clock.now()
    )


@dataclass(frozen=True, slots=True)
class RequestedMessage:
    """A link or code to be sent. is_held: whether it takes the handle from another account;
    taken_by: the verified owner of the handle, who is told instead; None if it is free."""

    id: UUID
    user_id: UUID
    purpose: Purpose
    handle: str
    created_at: datetime
    is_held: bool
    taken_by: UUID | None


def process_requests(session: Session, *, limit: int) -> list[RequestedMessage]:
    """Decide what follows from new requests. Returns what is to be sent."""
    now = clock.now()
    found = []
    for verification in repository.lock_requested(session, limit=limit):
        verification.processed_at = now
        user = users.get_user(session, verification.user_id)
        if user is None or not user.is_active or is_expired(verification):
            continue
        purpose = Purpose(verification.purpose)
        holder = _holder(session, purpose, verification.handle)
        other = holder if holder is not None and holder.id != user.id else None
        taken_by = other.id if other and _verified_at(other, purpose) is not None else None
        found.append(
            RequestedMessage(
                verification.id,
                user.id,
                purpose,
                verification.handle,
                verification.created_at,
                is_held=other is not None,
                taken_by=taken_by,
            )
        )
    return found


def is_expired(verification: HandleVerification) -> bool:
    """Whether its link or code is no longer valid."""
    return is_too_old(Purpose(verification.purpose), verification.created_at)


def is_too_old(purpose: Purpose, created_at: datetime) -> bool:
    """Whether the link or code of a request of that time is no longer valid."""
    return clock.now() >= created_at + TTL[purpose]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a link proves. is_held: whether it takes the address from another account."""

    purpose: Purpose
    email: str
    user: User
    is_held: bool

    @property
    def name(self) -> str | None:
        """The name that the account shows others, as a stranger sees it."""
        return masked_name(self.user)

    @property
    def created(self) -> str:
        """When the account was created, for display."""
        return display_time(self.user.created_at, ZoneInfo(self.user.time_zone))


def require_proof(session: Session, token: str) -> Proof:
    """What the link with this token proves. Raises VerificationInvalid."""
    verification_id = LINKS.verify(token)
    verification = (
        repository.get_verification(session, verification_id) if verification_id else None
    )
    if verification is None:
        raise VerificationInvalid
    user = _require_valid(session, verification, users.get_user(session, verification.user_id))
    holder = _holder(session, Purpose.EMAIL, verification.handle)
    is_held = holder is not None and holder.id != user.id
    return Proof(Purpose(verification.purpose), verification.handle, user, is_held)


def confirm_email(session: Session, *, token: str) -> None:
    """Give the account of a link the address that it proves, and invalidate its other links.

    If the address changes, sessions end as with a new password, and the earlier address is told.
    Raises VerificationInvalid.
    """
    verification_id = LINKS.verify(token)
    if verification_id is None:
        raise VerificationInvalid
    verification = repository.get_verification_for_update(session, verification_id)
    if verification is None:
        raise VerificationInvalid
    user = lock_owner(session, verification, Purpose.EMAIL, _require_valid)
    now, purpose, email = clock.now(), Purpose(verification.purpose), verification.handle
    earlier, was_verified = user.email, user.email_verified_at is not None
    user.email, user.email_key = email, service.fold_email(email)
    user.email_verified_at = user.updated_at = now
    try:
        session.flush()
    except IntegrityError as error:  # somebody else has just got it
        raise VerificationInvalid from error
    is_restored = purpose == Purpose.EMAIL_RESTORE
    # A request for another address stays valid while only the present one is verified.
    ended = [purpose] if purpose is Purpose.EMAIL else _REQUESTED
    repository.close_open(session, user_id=user.id, purposes=ended, now=now)
    if is_restored:
        # Not an earlier one: its address was replaced before.
        repository.close_open(
            session,
            user_id=user.id,
            purposes=[Purpose.EMAIL_RESTORE],
            now=now,
            since=verification.id,
        )
    is_changed = earlier is not None and service.fold_email(earlier) != user.email_key
    if is_changed:
        users.revoke_sessions(
            session,
            user_id=user.id,
            kind=SessionKind.LOGIN,
            now=now,
            because="email changed",
            keep=verification.session_id,
        )
        events.record(session, [EmailChanged(aggregate_id=user.id, is_restored=is_restored)])
    if is_changed and earlier is not None and not is_restored:
        told = Purpose.EMAIL_RESTORE if was_verified else Purpose.EMAIL_REPLACED
        request(session, user_id=user.id, purpose=told, handle=earlier)
    record_verified(session, user, "email")
    service.on_account_change(session)


def lock_owner(
    session: Session,
    verification: HandleVerification,
    purpose: Purpose,
    require_valid: Callable[[Session, HandleVerification, User | None], User],
) -> User:
    """The user of a valid verification, locked. Takes the handle from an account that has not
    verified it.

    purpose: EMAIL or PHONE. Raises what `require_valid` raises, also if the handle is taken.
    """
    holder = _holder(session, purpose, verification.handle)
    locked = repository.lock_users(
        session, {verification.user_id, *([holder.id] if holder is not None else ())}
    )
    user = require_valid(session, verification, locked.get(verification.user_id))
    # As it is now: somebody else may have released or claimed the handle.
    holder = _holder(session, purpose, verification.handle)
    if holder is not None and holder.id != user.id and holder.id in locked:
        _take_over(session, holder, purpose, owner_id=user.id)
    return user


def _take_over(session: Session, holder: User, purpose: Purpose, *, owner_id: UUID) -> None:
    """Take an unverified handle from an account. It keeps everything else, its sessions too."""
    if purpose == Purpose.PHONE:
        holder.phone = None
    else:
        holder.email, holder.email_key, holder.email_public = None, None, False
    holder.updated_at = clock.now()
    session.flush()
    kind = "phone" if purpose == Purpose.PHONE else "email"
    audit.record(
        session,
        actor_id=owner_id,
        action=f"user.lose-{kind}",
        target=("user", holder.id),
        details={"verifiedBy": str(owner_id)},
    )
    events.record(session, [HandleLost(aggregate_id=holder.id, handle=kind)])


def record_verified(session: Session, user: User, kind: str) -> None:
    """kind: `email` or `phone`."""
    audit.record(session, actor_id=user.id, action=f"user.verify-{kind}", target=("user", user.id))
    events.record(session, [HandleVerified(aggregate_id=user.id, handle=kind)])


def _require_valid(session: Session, verification: HandleVerification, user: User | None) -> User:
    """The user who can be given the address. Raises VerificationInvalid."""
    if verification.purpose not in _LINKS or verification.closed_at is not None:
        raise VerificationInvalid
    if is_expired(verification) or user is None or not user.is_active:
        raise VerificationInvalid
    key = service.fold_email(verification.handle)
    if verification.purpose == Purpose.EMAIL and user.email_key not in (None, key):
        raise VerificationInvalid  # the account has another address by now
    holder = _holder(session, Purpose.EMAIL, verification.handle)
    if holder is not None and holder.id != user.id and holder.email_verified_at is not None:
        raise VerificationInvalid
    return user


def _holder(session: Session, purpose: Purpose, handle: str) -> User | None:
    """The account that has the address or number."""
    if purpose == Purpose.PHONE:
        return service.get_user_by_phone(session, phone=handle)
    return service.get_user_by_email(session, email=handle)


def _verified_at(user: User, purpose: Purpose) -> datetime | None:
    return user.phone_verified_at if purpose == Purpose.PHONE else user.email_verified_at
