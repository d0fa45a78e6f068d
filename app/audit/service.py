"""Keeping account of what people with power did."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import repository
from app.common import clock
from app.common.db import new_id


def record(
    session: Session,
    *,
    actor_id: UUID | None,
    action: str,
    target_type: str,
    target_id: UUID,
    reason: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Add an audit record to this transaction.

    actor_id: the user who did it, None for the command line; action: verb and noun such as
    `wallet.lock`; details: JSON data, never a secret.
    """
    repository.insert_record(
        session,
        id=new_id(),
        actor_id=actor_id,
        action=action,
        target_type=target_type,
        target_id=target_id,
        reason=reason,
        details=details or {},
        created_at=clock.now(),
    )
