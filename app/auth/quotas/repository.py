"""SQL of quotas."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.auth.quotas.models import UserQuota
from app.common.driver import send


def lock_quota(session: Session, *, user_id: UUID, quota: str) -> None:
    """Serialize the transactions that add to what a user has of this quota."""
    send(
        session,
        "SELECT pg_advisory_xact_lock(hashtextextended('quota/' || %(quota)s || %(id)s, 0))",
        {"quota": quota, "id": str(user_id)},
    )


def get_maximums(session: Session, user_id: UUID) -> dict[str, int]:
    """The user's own maximums, by quota."""
    query = select(UserQuota.quota, UserQuota.maximum).where(UserQuota.user_id == user_id)
    return {row.quota: row.maximum for row in session.execute(query)}


def upsert_maximum(session: Session, **values: Any) -> None:
    changed = {name: values[name] for name in ("maximum", "updated_at")}
    statement = insert(UserQuota).values(**values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[UserQuota.user_id, UserQuota.quota], set_=changed
        )
    )


def delete_maximum(session: Session, *, user_id: UUID, quota: str) -> None:
    session.execute(delete(UserQuota).where(UserQuota.user_id == user_id, UserQuota.quota == quota))
