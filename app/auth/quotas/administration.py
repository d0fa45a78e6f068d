"""Quotas of single users, as administrators set them."""

from uuid import UUID

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.auth import service as auth
from app.auth.quotas import repository
from app.auth.quotas.quota import Quota
from app.common import clock


def set_for_user(
    session: Session, *, actor_id: UUID | None, user_id: UUID, quota: Quota, maximum: int | None
) -> None:
    """Set the maximum of one user; None: that of the settings applies again.

    What the user has above a lower maximum is kept. Raises UserNotFound, OwnAccount.
    """
    auth.require_other_account(actor_id, user_id)
    auth.require_user(session, user_id)
    if maximum is None:
        repository.delete_maximum(session, user_id=user_id, quota=quota)
    else:
        repository.upsert_maximum(
            session, user_id=user_id, quota=quota.value, maximum=maximum, updated_at=clock.now()
        )
    audit.record(
        session,
        actor_id=actor_id,
        action="quota.set",
        target=("user", user_id),
        details={"quota": quota.value, "maximum": maximum},
    )
