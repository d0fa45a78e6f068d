"""Accounts, sign-in and sessions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import repository
from app.auth.api_keys import service as api_keys
from app.auth.errors import (
    EmailFixed,
    EmailTaken,
    InvalidCredentials,
    InvalidRefreshToken,
    LastAdministrator,
    OwnAccount,
    PhoneNeeded,
    PhoneTaken,
    RefreshTokenReused,
    UserNotFound,
)
from app.auth.models import Role, SessionKind, User
from app.auth.tokens import TokenRules
from app.common import clock
from app.common.db import constraint_name
from app.common.errors import Conflict, Unauthorized
from app.common.ids import new_id, parse_id
from app.common.locales import DEFAULT_LOCALE
from app.common.process_state import Hook
from app.events import service as events
from app.events.catalogue.accounts import AccountCreated, SessionCreated


@dataclass(frozen=True, slots=True)
class Device:
    """The device of a sign-in, as shown in the list of sessions.

    id: of its cookie; is_known: whether it has signed in to the account before.
    """

    user_agent: str | None = None
    address: str | None = None
    id: str | None = None
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class SignIn:
    """A session with its current refresh token. expires_at, device_id: of the session."""

    user: User
    session_id: UUID
    token_id: UUID
    expires_at: datetime
    device_id: str | None


#: Called in the transaction that creates an account.
on_registration: Final[Hook[Session, User]] = Hook("registration of an account")

#: Called in the transaction that changes names or email address of an account, or whether it is
#: active.
on_account_change: Final[Hook[Session]] = Hook("change of an account")


def register(
    session: Session,
    *,
    email: str | None = None,
    phone: str | None = None,
    password_hash: str,
    role: str,
    first_name: str | None = None,
    last_name: str | None = None,
    locale: str = DEFAULT_LOCALE,
    user_id: UUID | None = None,
    is_verified: bool = False,
) -> User:
    """Create an account and its wallet. user_id: a new one by default.

    email, phone (in E.164): with which the user signs in. An account with neither, such as one
    whose address is still to be verified, signs in by its ID. is_verified: whether they are known
    to be the user's. Raises EmailTaken, PhoneTaken.
    """
    now = clock.now()
    verified_at = now if is_verified else None
    user = repository.insert_user(
        session,
        id=user_id or new_id(),
        email=email,
        email_key=email and fold_email(email),
        email_verified_at=email and verified_at,
        phone=phone,
        phone_verified_at=phone and verified_at,
        password_hash=password_hash,
        role=role,
        first_name=first_name,
        last_name=last_name,
        email_public=False,
        is_active=True,
        locale=locale,
        created_at=now,
        updated_at=now,
    )
    if user is None:
        email_is_taken = email is not None and get_user_by_email(session, email=email) is not None
        raise EmailTaken if email_is_taken else PhoneTaken
    on_registration(session, user)
    events.record(session, [AccountCreated(aggregate_id=user.id, role=role)])
    return user


def fold_email(email: str) -> str:
    """The form in which email addresses are compared."""
    return email.lower()


def require_email_free(session: Session, *, email: str) -> None:
    """Raises EmailTaken. For use before the password is hashed, which is slow."""
    if get_user_by_email(session, email=email) is not None:
        raise EmailTaken


def get_user_by_email(session: Session, *, email: str) -> User | None:
    return repository.get_user_by_email_key(session, fold_email(email))


def get_user_by_sign_in_name(session: Session, *, name: str) -> User | None:
    """name: an email address, or the ID of an account that has neither address nor number."""
    user_id = parse_id(name)
    if user_id is None:
        return get_user_by_email(session, email=name)
    user = repository.get_user(session, user_id)
    return user if user is not None and user.email is None and user.phone is None else None


def get_max_password_cost(session: Session) -> int:
    """The highest bcrypt cost of a stored password, 0 without users."""
    return repository.get_max_password_cost(session) or 0


def get_user_by_phone(session: Session, *, phone: str) -> User | None:
    """phone: in E.164."""
    return repository.get_user_by_phone(session, phone)


@dataclass(frozen=True, slots=True)
class Rehash:
    """A stored hash that is outdated, and the one that takes its place."""

    outdated: str
    replacement: str


def sign_in(
    session: Session,
    *,
    user_id: UUID,
    device: Device,
    rules: TokenRules,
    rehash: Rehash | None = None,
) -> SignIn:
    """Create a session for a user whose credentials were verified. Raises InvalidCredentials."""
    user = repository.get_user_for_update(session, user_id)
    if user is None or not user.is_active:
        raise InvalidCredentials
    if rehash is not None and user.password_hash == rehash.outdated:
        user.password_hash = rehash.replacement
    now = clock.now()
    is_new_device = not device.is_known and _is_new(session, user, device)
    user.last_login_at = now
    login = repository.insert_session(
        session,
        id=new_id(),
        user_id=user.id,
        user_agent=device.user_agent,
        device_id=device.id,
        address=device.address,
        created_at=now,
        last_used_at=now,
        expires_at=rules.session_expiry(signed_in_at=now),
    )
    events.record(session, [SessionCreated.of(login, is_new_device=is_new_device)])
    return SignIn(user, login.id, _issue(session, login.id), login.expires_at, login.device_id)


def _is_new(session: Session, user: User, device: Device) -> bool:
    """Whether the account was used before, but by no program of this name from this address."""
    return user.last_login_at is not None and not repository.has_session_of(
        session, user_id=user.id, user_agent=device.user_agent, address=device.address
    )


def rotate_refresh_token(
    session: Session, *, session_id: UUID, token_id: UUID, rules: TokenRules
) -> SignIn:
    """Exchange a refresh token for a new one. Each token works once.

    The session is extended, but never beyond its maximum lifetime.

    Raises InvalidRefreshToken, and RefreshTokenReused if the token was used before: the whole
    session is revoked then (RFC 9700, section 4.14.2).
    """
    login = repository.get_session_for_update(session, session_id)
    token = repository.get_refresh_token(session, token_id)
    now = clock.now()
    if login is None or token is None or token.session_id != login.id:
        raise InvalidRefreshToken
    expires_at = rules.session_expiry(signed_in_at=login.created_at)
    if login.revoked_at is not None or min(login.expires_at, expires_at) <= now:
        raise InvalidRefreshToken
    if token.used_at is not None:
        login.revoked_at, login.revoked_because = now, "refresh token reused"
        audit.record(
            session,
            actor_id=login.user_id,
            action="session.revoke",
            target=("session", login.id),
            reason="refresh token reused",
        )
        raise RefreshTokenReused
    user = repository.get_user(session, login.user_id)
    if user is None or not user.is_active:
        raise InvalidRefreshToken
    token.used_at = login.last_used_at = now
    login.expires_at = expires_at
    session.flush()
    return SignIn(user, login.id, _issue(session, login.id), expires_at, login.device_id)


def _issue(session: Session, session_id: UUID) -> UUID:
    token_id = new_id()
    repository.insert_refresh_token(
        session, id=token_id, session_id=session_id, created_at=clock.now()
    )
    return token_id


def require_user_of_session(session: Session, *, user_id: UUID, session_id: UUID) -> User:
    """The user of a session, as of this transaction.

    Raises Unauthorized if the user was deactivated, or the session revoked or expired.
    """
    user = repository.get_user_of_session(
        session, user_id=user_id, session_id=session_id, now=clock.now()
    )
    if user is None:
        raise Unauthorized
    return user


@dataclass(frozen=True, slots=True)
class Caller:
    """The attributes of a signed-in user that movements of money need."""

    id: UUID
    email: str | None
    role: str


def query_callers(
    session: Session, session_ids: Sequence[UUID]
) -> Callable[[], dict[UUID, Caller]]:
    """Query the users of many sessions. Call the result for those whose sessions are valid."""
    rows = repository.list_users_of_sessions(session, session_ids=session_ids, now=clock.now())
    return lambda: {row.session_id: Caller(row.id, row.email, row.role) for row in rows}


#: The error of each unique constraint.
_TAKEN: Final[dict[str | None, type[Conflict]]] = {
    "uq_users_email_key": EmailTaken,
    "uq_users_phone": PhoneTaken,
}


def change_profile(
    session: Session, *, user_id: UUID, email: str | None = None, **changes: str | bool | None
) -> User:
    """Change first_name, last_name, email_public, phone, locale or time_zone; omitted ones keep
    their values.

    email: only for an account without one; phone: in E.164, or None to remove it.
    Raises EmailFixed, EmailTaken, PhoneNeeded, PhoneTaken.
    """
    user = repository.get_user_for_update(session, user_id)
    if user is None:
        raise UserNotFound
    if email is not None:
        if user.email not in (None, email):
            raise EmailFixed
        if user.email is None:
            user.email, user.email_key = email, fold_email(email)
    if "phone" in changes and changes["phone"] != user.phone:
        user.phone_verified_at = None
        if changes["phone"] is None and user.email is None:
            raise PhoneNeeded
    for name, value in changes.items():
        setattr(user, name, value)
    user.updated_at = clock.now()
    try:
        session.flush()
    except IntegrityError as error:
        if taken := _TAKEN.get(constraint_name(error)):
            raise taken from error
        raise
    on_account_change(session)
    return user


def set_active(
    session: Session, *, actor_id: UUID | None, user_id: UUID, active: bool, reason: str
) -> User:
    """Deactivate a user and revoke all their sessions and keys, or reactivate the user.

    Raises UserNotFound, OwnAccount, LastAdministrator.
    """
    require_other_account(actor_id, user_id)
    if not active and require_user(session, user_id).role == Role.ADMIN:
        _require_another_administrator(session, user_id)
    user = repository.get_user_for_update(session, user_id)
    if user is None:
        raise UserNotFound
    now = clock.now()
    user.is_active, user.updated_at = active, now
    if not active:
        because = "deactivated"
        repository.revoke_sessions(
            session, user_id=user_id, kind=SessionKind.LOGIN, now=now, because=because
        )
        api_keys.revoke_all(session, user_id=user_id, actor_id=actor_id, because=because)
    audit.record(
        session,
        actor_id=actor_id,
        action="user.activate" if active else "user.deactivate",
        target=("user", user_id),
        reason=reason,
    )
    on_account_change(session)
    return user


def require_other_account(actor_id: UUID | None, *user_ids: UUID | None) -> None:
    """Require that an administrator does not decide about themselves. Raises OwnAccount.

    actor_id: None for the command line; user_ids: the users whom the decision is about.
    """
    if actor_id is not None and actor_id in user_ids:
        raise OwnAccount


def _require_another_administrator(session: Session, user_id: UUID) -> None:
    """Raises LastAdministrator.

    All are locked, so that two administrators who deactivate each other do so one after the other:
    the second of them is the last one by then.
    """
    active = repository.lock_active_users(session, role=Role.ADMIN)
    if not set(active) - {user_id}:
        raise LastAdministrator


def require_user(session: Session, user_id: UUID) -> User:
    """Raises UserNotFound."""
    if (user := repository.get_user(session, user_id)) is None:
        raise UserNotFound
    return user


def get_users_by_id(session: Session, user_ids: Sequence[UUID]) -> dict[UUID, User]:
    return repository.get_users_by_id(session, user_ids)
