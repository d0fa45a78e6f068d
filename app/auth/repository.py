"""SQL of users, sessions, API keys, refresh tokens and second factors."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.auth.models import (
    HASH_COST,
    SESSION_IS_VALID,
    ApiKey,
    LoginSession,
    RecoveryCode,
    RefreshToken,
    SessionKind,
    TwoFactor,
    User,
)
from app.common.db import fetch_one
from app.common.driver import send, uuid_array
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_row


def insert_user(session: Session, **values: Any) -> User | None:
    """The new user, or None if the email address or phone number is taken."""
    return session.scalar(insert(User).values(**values).on_conflict_do_nothing().returning(User))


def get_user(session: Session, user_id: UUID) -> User | None:
    return session.get(User, user_id)


def get_user_for_update(session: Session, user_id: UUID) -> User | None:
    return lock_row(session, User, user_id)


def lock_active_users(session: Session, *, role: str) -> Sequence[UUID]:
    """The IDs of all active users of a role, locked in ID order."""
    return session.scalars(
        select(User.id)
        .where(User.role == role, User.is_active)
        .order_by(User.id)
        .with_for_update(key_share=True)
    ).all()


def get_user_by_email_key(session: Session, email_key: str) -> User | None:
    return session.scalar(select(User).where(User.email_key == email_key))


def get_user_by_phone(session: Session, phone: str) -> User | None:
    return session.scalar(select(User).where(User.phone == phone))


def get_max_password_cost(session: Session) -> int | None:
    """The highest cost of a stored hash, or None without users. Reads one row of an index."""
    highest = session.scalar(select(func.max(text(HASH_COST))).select_from(User))
    return int(highest) if highest is not None else None


def get_user_of_session(
    session: Session, *, user_id: UUID, session_id: UUID, now: datetime
) -> User | None:
    """The user, if active, and if the session is neither revoked nor expired."""
    return session.scalar(
        select(User)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(
            User.id == user_id,
            User.is_active,
            LoginSession.id == session_id,
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > now,
        )
    )


_USERS_OF_SESSIONS = f"""
    SELECT s.id AS session_id, u.id, u.email, u.role
    FROM login_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = ANY(%(session_ids)s) AND {SESSION_IS_VALID}
"""  # noqa: S608 – a condition from our own code


def list_users_of_sessions(
    session: Session, *, session_ids: Sequence[UUID], now: datetime
) -> Iterable[Any]:
    """The users of those sessions that are valid."""
    return send(session, _USERS_OF_SESSIONS, {"session_ids": uuid_array(session_ids), "now": now})


def insert_session(session: Session, **values: Any) -> LoginSession:
    return insert_row(session, LoginSession(**values))


def has_session_of(
    session: Session, *, user_id: UUID, user_agent: str | None, address: str | None
) -> bool:
    """Whether the user has, or had, a session of a program of this name from this address."""
    query = select(LoginSession.id).where(
        LoginSession.user_id == user_id,
        LoginSession.kind == SessionKind.LOGIN,
        LoginSession.user_agent.is_not_distinct_from(user_agent),
        LoginSession.address.is_not_distinct_from(address),
    )
    return session.scalar(query.limit(1)) is not None


def get_session_for_update(session: Session, session_id: UUID) -> LoginSession | None:
    return lock_row(session, LoginSession, session_id)


def list_active_sessions(
    session: Session, page: PageRequest, *, user_id: UUID, now: datetime
) -> Page[LoginSession]:
    """Login sessions only, not API keys."""
    query = select(LoginSession).where(
        LoginSession.user_id == user_id,
        LoginSession.kind == SessionKind.LOGIN,
        LoginSession.revoked_at.is_(None),
        LoginSession.expires_at > now,
    )
    return paginate(session, page, query, LoginSession.id)


def revoke_sessions(
    session: Session,
    *,
    user_id: UUID,
    kind: SessionKind,
    now: datetime,
    because: str,
    keep: UUID | None = None,
) -> None:
    """Revoke all sessions of one kind of the user, except `keep`."""
    session.execute(
        update(LoginSession)
        .where(
            LoginSession.user_id == user_id,
            LoginSession.kind == kind,
            LoginSession.revoked_at.is_(None),
            LoginSession.id.is_distinct_from(keep),
        )
        .values(revoked_at=func.greatest(now, LoginSession.last_used_at), revoked_because=because)
    )


def revoke_all_sessions(
    session: Session, *, kind: SessionKind, before: datetime, now: datetime, because: str
) -> int:
    """Revoke the valid sessions of one kind that were created until then. Returns their number."""
    revoked = session.execute(
        update(LoginSession)
        .where(
            LoginSession.kind == kind,
            LoginSession.revoked_at.is_(None),
            LoginSession.created_at <= before,
            LoginSession.expires_at > now,
        )
        .values(revoked_at=func.greatest(now, LoginSession.last_used_at), revoked_because=because)
        .returning(LoginSession.id)
    )
    return len(revoked.all())


_KEY_OWNER = f"""
    SELECT u.id, k.id, u.role, k.scopes, k.last_used_at
    FROM api_keys k JOIN login_sessions s ON s.id = k.id JOIN users u ON u.id = s.user_id
    WHERE k.key_hash = %(key_hash)s AND {SESSION_IS_VALID}
"""  # noqa: S608 – a condition from our own code


def get_key_owner(*, key_hash: bytes, now: datetime) -> tuple[Any, ...] | None:
    """User, key, role, scopes and time of last use of a valid key, or None."""
    return fetch_one(_KEY_OWNER, {"key_hash": key_hash, "now": now})


def insert_key(session: Session, **values: Any) -> ApiKey:
    return insert_row(session, ApiKey(**values))


def get_key(session: Session, key_id: UUID) -> ApiKey | None:
    return session.get(ApiKey, key_id)


def list_active_keys(
    session: Session, *, user_id: UUID, now: datetime, limit: int | None = None
) -> Sequence[ApiKey]:
    """limit: maximum number of keys; None for all."""
    return session.scalars(
        select(ApiKey)
        .join(LoginSession, LoginSession.id == ApiKey.id)
        .where(
            ApiKey.user_id == user_id,
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > now,
        )
        .order_by(ApiKey.id)
        .limit(limit)
    ).all()


def list_keys(session: Session, page: PageRequest, *, user_id: UUID) -> Page[Any]:
    """The user's keys with `revoked_at`, newest first."""
    mine = ApiKey.user_id == user_id
    query = (
        select(
            ApiKey.id,
            ApiKey.name,
            ApiKey.prefix,
            ApiKey.scopes,
            ApiKey.last_used_at,
            ApiKey.created_at,
            ApiKey.expires_at,
            LoginSession.revoked_at,
        )
        .join(LoginSession, LoginSession.id == ApiKey.id)
        .where(mine)
    )
    return paginate(session, page, query, ApiKey.id, count=select(ApiKey.id).where(mine))


def record_key_use(
    session: Session, *, key_id: UUID, now: datetime, unless_since: datetime
) -> None:
    """Record the use. A locked row is skipped: only one of concurrent requests records it."""
    due = (
        select(ApiKey.id)
        .where(
            ApiKey.id == key_id,
            ApiKey.last_used_at.is_(None) | (ApiKey.last_used_at <= unless_since),
        )
        .with_for_update(key_share=True, skip_locked=True)
    )
    session.execute(
        update(ApiKey)
        .where(ApiKey.id == due.scalar_subquery())
        .values(last_used_at=func.greatest(now, ApiKey.created_at))
    )


def insert_refresh_token(session: Session, **values: Any) -> None:
    session.execute(insert(RefreshToken).values(**values))


def get_refresh_token(session: Session, token_id: UUID) -> RefreshToken | None:
    return session.get(RefreshToken, token_id, populate_existing=True)


def get_users_by_id(session: Session, user_ids: Sequence[UUID]) -> dict[UUID, User]:
    rows = session.scalars(select(User).where(User.id.in_(user_ids)))
    return {user.id: user for user in rows}


def upsert_pending_two_factor(
    session: Session, *, user_id: UUID, secret: bytes, created_at: datetime
) -> bool:
    """Start or restart the setup; False when two-factor authentication is already enabled."""
    pending = {"secret": secret, "created_at": created_at}
    statement = insert(TwoFactor).values(user_id=user_id, **pending)
    statement = statement.on_conflict_do_update(
        index_elements=[TwoFactor.user_id], set_=pending, where=TwoFactor.confirmed_at.is_(None)
    )
    return session.scalar(statement.returning(TwoFactor.user_id)) is not None


def get_two_factor(session: Session, user_id: UUID) -> TwoFactor | None:
    return session.get(TwoFactor, user_id)


def get_two_factor_for_update(session: Session, user_id: UUID) -> TwoFactor | None:
    return session.get(TwoFactor, user_id, with_for_update=True, populate_existing=True)


def delete_two_factor(session: Session, user_id: UUID) -> None:
    """Also deletes its recovery codes."""
    session.execute(delete(TwoFactor).where(TwoFactor.user_id == user_id))


def replace_recovery_codes(session: Session, *, user_id: UUID, hashes: Sequence[bytes]) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.execute(
        insert(RecoveryCode), [{"user_id": user_id, "code_hash": code} for code in hashes]
    )


def use_recovery_code(
    session: Session, *, user_id: UUID, code_hash: bytes, used_at: datetime
) -> bool:
    """Whether the code exists and was unused; marks it as used."""
    used = session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=used_at)
        .returning(RecoveryCode.user_id)
    )
    return used is not None


def count_recovery_codes(session: Session, user_id: UUID) -> int:
    """The number of unused recovery codes."""
    unused = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused)) or 0
