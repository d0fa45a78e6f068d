"""SQL of verifications of email addresses and phone numbers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.auth.handles.models import HandleVerification, Purpose
from app.auth.models import User
from app.common.rows import insert_row, lock_row


def insert_verification(session: Session, **values: Any) -> HandleVerification:
    return insert_row(session, HandleVerification(**values))


def get_verification(session: Session, verification_id: UUID) -> HandleVerification | None:
    return session.get(HandleVerification, verification_id)


def get_verification_for_update(
    session: Session, verification_id: UUID
) -> HandleVerification | None:
    return lock_row(session, HandleVerification, verification_id)


def lock_requested(session: Session, *, limit: int) -> Sequence[HandleVerification]:
    """Verifications of which nothing was sent yet."""
    return session.scalars(
        select(HandleVerification)
        .where(text("processed_at IS NULL"))
        .order_by(HandleVerification.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()


def lock_last_open(
    session: Session, *, user_id: UUID, purpose: Purpose
) -> HandleVerification | None:
    return session.scalar(
        select(HandleVerification)
        .where(
            HandleVerification.user_id == user_id,
            HandleVerification.purpose == purpose,
            HandleVerification.closed_at.is_(None),
        )
        .order_by(HandleVerification.id.desc())
        .limit(1)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def close_open(
    session: Session,
    *,
    user_id: UUID,
    purposes: Collection[Purpose],
    now: datetime,
    since: UUID | None = None,
) -> None:
    """Invalidate what was not used yet. since: only this one and later ones."""
    statement = update(HandleVerification).where(
        HandleVerification.user_id == user_id,
        HandleVerification.purpose.in_(purposes),
        HandleVerification.closed_at.is_(None),
    )
    if since is not None:
        statement = statement.where(HandleVerification.id >= since)
    session.execute(
        statement.values(
            closed_at=func.greatest(
                now, HandleVerification.created_at, HandleVerification.processed_at
            )
        ).execution_options(synchronize_session=False)
    )


def lock_users(session: Session, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """These users as they are now, locked in the order of their IDs."""
    rows = session.scalars(
        select(User)
        .where(User.id.in_(user_ids))
        .order_by(User.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {user.id: user for user in rows}
