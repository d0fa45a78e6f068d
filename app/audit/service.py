"""Audit records of administrative and security-relevant actions."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import repository
from app.common import clock
from app.common.ids import new_id


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
    """Insert an audit record in this transaction.

    actor_id: the user who acted, None for the command line; action: noun and verb, such as
    `wallet.lock`; details: JSON data without secrets.
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
