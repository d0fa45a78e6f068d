"""Jobs of the idempotency keys."""

from app.common.db import transaction
from app.idempotency import service


def forget_old_keys() -> int:
    """Delete answers that are past replaying; how many there were. Safe to run twice."""
    with transaction() as session:
        return service.forget_old_keys(session)
