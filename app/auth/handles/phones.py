"""Codes in text messages, with which users prove to own a phone number."""

import hmac
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth.errors import PhoneTaken
from app.auth.handles import repository, service
from app.auth.handles.errors import PhoneCodeInvalid
from app.auth.handles.models import MAX_ATTEMPTS, HandleVerification, Purpose
from app.auth.models import User
from app.auth.service import get_user_by_phone
from app.common import clock, encryption

DIGITS: Final = 6
_PURPOSE: Final = "phone verification"


def request_code(session: Session, *, user: User, phone: str) -> None:
    """Request a code for a number, which need not be the account's. phone: in E.164."""
    service.request(session, user_id=user.id, purpose=Purpose.PHONE, handle=phone)


def code_of(verification_id: UUID) -> str:
    """The code that is sent for a request."""
    return _codes(verification_id)[0]


def confirm_phone(session: Session, *, user_id: UUID, code: str) -> User:
    """Give the account the number of its last request.

    Raises PhoneCodeInvalid, and PhoneTaken if somebody else has got the number at the same time.
    """
    verification = repository.lock_last_open(session, user_id=user_id, purpose=Purpose.PHONE)
    if verification is None or verification.attempts >= MAX_ATTEMPTS:
        raise PhoneCodeInvalid
    if not _matches(verification, code):
        verification.attempts += 1
        raise PhoneCodeInvalid
    user = service.lock_owner(session, verification, Purpose.PHONE, _require_valid)
    now = clock.now()
    user.phone, user.phone_verified_at, user.updated_at = verification.handle, now, now
    verification.closed_at = now
    try:
        session.flush()
    except IntegrityError as error:
        raise PhoneTaken from error
    service.record_verified(session, user, "phone")
    return user


def _matches(verification: HandleVerification, code: str) -> bool:
    matches = [hmac.compare_digest(code, each) for each in _codes(verification.id)]
    return any(matches)


def _require_valid(session: Session, verification: HandleVerification, user: User | None) -> User:
    if service.is_expired(verification) or user is None:
        raise PhoneCodeInvalid
    holder = get_user_by_phone(session, phone=verification.handle)
    if holder is not None and holder.id != user.id and holder.phone_verified_at is not None:
        raise PhoneCodeInvalid
    return user


def _codes(verification_id: UUID) -> list[str]:
    """A code for each of our keys: derived with a key, so a dump of the database has none."""
    fingerprints = encryption.fingerprints(verification_id.bytes, context=_PURPOSE)
    return [f"{int.from_bytes(each) % 10**DIGITS:0{DIGITS}}" for each in fingerprints]
