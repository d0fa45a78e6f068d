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
    target: tuple[str, UUID],
    reason: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Insert an audit record in this transaction.

    actor_id: the user who acted, None for the command line; action: noun and verb, such as
    `wallet.lock`; target: what was changed, by type and ID; details: JSON data without secrets.
    """
    repository.insert_record(
        session,
        id=new_id(),
        actor_id=actor_id,
        action=action,
        target_type=target[0],
        target_id=target[1],
        reason=reason,
        details=details or {},
        created_at=clock.now(),
    )
