"""Jobs of the idempotency keys."""

from app.common.db import transaction
from app.idempotency import service


def delete_expired_keys() -> int:
    """Delete stored responses that have expired. Returns their number. Safe to run twice."""
    with transaction() as session:
        return service.delete_expired_keys(session)
