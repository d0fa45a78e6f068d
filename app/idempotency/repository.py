"""SQL of the idempotency keys."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, send_rows, write
from app.idempotency.models import IdempotencyKey

# The lock is taken before the key is looked up, so the transaction that holds it sees the latest
# response – or, with an older snapshot, fails to insert the key and is retried.
_CLAIM = """
    SELECT new.user_id, new.key, k.fingerprint, k.status, k.body,
        pg_try_advisory_xact_lock(hashtextextended(new.user_id || '/' || new.key, 0)) AS is_ours
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS new (user_id uuid, key text)
    LEFT JOIN idempotency_keys k ON k.user_id = new.user_id AND k.key = new.key
"""

_INSERT = BulkInsert(IdempotencyKey)


def claim(session: Session, claims: Iterable[tuple[UUID, str]]) -> Iterable[Any]:
    """For each user and key: whether this transaction claimed it, and what is stored: the
    fingerprint of the request that it belongs to, and the response if it was answered."""
    rows = [{"user_id": user_id, "key": key} for user_id, key in claims]
    return send_rows(session, _CLAIM, rows)


def insert_keys(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    write(session, Write(_INSERT, rows))


def answer_key(session: Session, row: dict[str, Any]) -> bool:
    """Store the response to a request whose key was stored without one. row: all its columns.

    Returns whether it had none until now.
    """
    answered = session.scalar(
        update(IdempotencyKey)
        .where(
            IdempotencyKey.user_id == row["user_id"],
            IdempotencyKey.key == row["key"],
            IdempotencyKey.status.is_(None),
        )
        .values(status=row["status"], body=row["body"], created_at=row["created_at"])
        .returning(IdempotencyKey.key)
    )
    return answered is not None
