"""SQL of the idempotency keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.common.db import arrays, insert_rows
from app.idempotency.models import IdempotencyKey

# The lock is taken before the key is looked up, so whoever has it sees the latest answer – or,
# with an older snapshot, fails to insert the key and tries again.
_CLAIM = text("""
    SELECT c.user_id, c.key,
        pg_try_advisory_xact_lock(hashtextextended(c.user_id::text || '/' || c.key, 0)) AS is_ours,
        k.fingerprint, k.status, k.body
    FROM unnest(CAST(:user_ids AS uuid[]), CAST(:keys AS text[])) AS c (user_id, key)
    LEFT JOIN idempotency_keys k ON k.user_id = c.user_id AND k.key = c.key
""")

_INSERT = insert_rows(
    IdempotencyKey,
    {
        "user_id": "uuid",
        "key": "text",
        "fingerprint": "bytea",
        "status": "smallint",
        "body": "bytea",
        "created_at": "timestamptz",
    },
)


def claim(session: Session, claims: Sequence[tuple[UUID, str]]) -> Sequence[Any]:
    """For each user and key: whether it is ours to work under, and the answer already given."""
    user_ids, keys = zip(*claims, strict=True)
    return session.execute(_CLAIM, {"user_ids": list(user_ids), "keys": list(keys)}).all()


def insert_keys(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(_INSERT, arrays(rows))


def delete_older(session: Session, *, than: datetime) -> int:
    result = session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < than))
    return cast("CursorResult[Any]", result).rowcount
