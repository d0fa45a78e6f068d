"""Jobs of payment requests."""

from typing import Final

from app.common.db import transaction
from app.payment_requests import service

_AT_ONCE: Final = 200


def expire_requests() -> int:
    """Close requests that are past their time; how many there were. Safe to run twice."""
    total = 0
    while True:
        with transaction() as session:
            closed = service.expire_due(session, limit=_AT_ONCE)
        total += closed
        if closed < _AT_ONCE:
            return total
