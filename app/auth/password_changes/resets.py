"""Forgotten passwords: a link by mail, with which a new password is set once.

A request only stores the address, whether there is an account or not, so nobody can tell from the
answer or its timing. The process that sends mails finds the account later.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import passwords, service
from app.auth.api_keys import service as api_keys
from app.auth.handles import service as handles
from app.auth.models import User
from app.auth.password_changes import repository
from app.auth.password_changes.errors import PasswordResetInvalid
from app.auth.password_changes.links import LINKS
from app.auth.password_changes.service import set_password
from app.common import clock
from app.common.ids import new_id

#: How long a link is valid.
TTL: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class RequestedReset:
    """A request of a user who is to receive a link."""

    id: UUID
    user_id: UUID
    created_at: datetime


def request(session: Session, *, email: str) -> None:
    """Request a link for the account with this address, if there is one."""
    repository.insert_reset(
        session,
        id=new_id(),
        email_key=service.fold_email(email),
        created_at=clock.now(),
    )


def process_requests(session: Session, *, limit: int) -> list[RequestedReset]:
    """Find the accounts of new requests. Returns those that have one."""
    found = []
    now = clock.now()
    for reset, user in repository.lock_requested(session, limit=limit):
        reset.processed_at = now
        if user is not None:
            reset.user_id = user.id
            found.append(RequestedReset(reset.id, user.id, reset.created_at))
    return found


def is_expired(created_at: datetime) -> bool:
    """Whether the link of a request of that time is no longer valid."""
    return clock.now() >= created_at + TTL


def require_user(session: Session, token: str) -> User:
    """The user who may set a new password with a token. Raises PasswordResetInvalid."""
    reset_id = LINKS.verify(token)
    reset = repository.get_reset(session, reset_id) if reset_id is not None else None
    if reset is None or reset.user_id is None or reset.used_at is not None:
        raise PasswordResetInvalid
    user = service.get_users_by_id(session, [reset.user_id]).get(reset.user_id)
    if is_expired(reset.created_at) or user is None or not user.is_active:
        raise PasswordResetInvalid
    # The address may have been changed since, and with it whose account it is.
    if user.email_key != reset.email_key:
        raise PasswordResetInvalid
    return user


def require_acceptable(user: User, password: str, *, field: str) -> None:
    """Raises PasswordRefused."""
    passwords.require_acceptable(password, names=[user.email, user.phone], field=field)


def reset_password(session: Session, *, token: str, password_hash: str) -> None:
    """Set a new password, end all sessions of the user, and invalidate all links.

    Whoever has the link receives the mails of this address. If that had not been verified, somebody
    else may have created the account: its API keys are revoked. Raises PasswordResetInvalid.
    """
    reset_id = LINKS.verify(token)
    if reset_id is None or repository.get_reset_for_update(session, reset_id) is None:
        raise PasswordResetInvalid
    user = require_user(session, token)
    set_password(session, user_id=user.id, password_hash=password_hash, because="reset")
    if user.email_verified_at is None:
        user.email_verified_at = clock.now()
        api_keys.revoke_all(session, user_id=user.id, actor_id=user.id, because="password changed")
        handles.record_verified(session, user, "email")
    repository.use_all(session, user_id=user.id, now=clock.now())
    audit.record(session, actor_id=user.id, action="user.reset-password", target=("user", user.id))
