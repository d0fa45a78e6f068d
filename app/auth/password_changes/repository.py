"""SQL of requests for a new password."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.password_changes.models import PasswordReset
from app.common.rows import insert_row, lock_row


def insert_reset(session: Session, **values: Any) -> None:
    insert_row(session, PasswordReset(**values))


def lock_requested(session: Session, *, limit: int) -> Sequence[Any]:
    """Requests that were not processed, each with the active User of its address or None."""
    return session.execute(
        select(PasswordReset, User)
        .outerjoin(User, (User.email_key == PasswordReset.email_key) & User.is_active)
        .where(text("password_resets.processed_at IS NULL"))
        .order_by(PasswordReset.id)
        .limit(limit)
        .with_for_update(of=PasswordReset, key_share=True, skip_locked=True)
    ).all()


def get_reset(session: Session, reset_id: UUID) -> PasswordReset | None:
    return session.get(PasswordReset, reset_id)


def get_reset_for_update(session: Session, reset_id: UUID) -> PasswordReset | None:
    return lock_row(session, PasswordReset, reset_id)


def use_all(session: Session, *, user_id: UUID, now: datetime) -> None:
    """Mark all requests of a user as used."""
    session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None))
        .values(used_at=func.greatest(now, PasswordReset.created_at))
        .execution_options(synchronize_session=False)
    )
