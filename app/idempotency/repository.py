"""SQL of the idempotency keys."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.idempotency.models import IdempotencyKey


def try_lock(session: Session, *, user_id: UUID, key: str) -> bool:
    """Whether this transaction is now the only one that works under the key."""
    return bool(
        session.scalar(
            select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"{user_id}/{key}", 0)))
        )
    )


def get(session: Session, *, user_id: UUID, key: str) -> IdempotencyKey | None:
    return session.get(IdempotencyKey, (user_id, key))


def insert_key(session: Session, **values: Any) -> None:
    session.execute(insert(IdempotencyKey).values(**values))


def delete_older(session: Session, *, than: datetime) -> int:
    result = session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < than))
    return cast("CursorResult[Any]", result).rowcount
