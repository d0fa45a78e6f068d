"""Jobs of payment requests."""

from functools import partial
from typing import Final

from app.common import queue
from app.ledger_lock.service import ledger_transaction
from app.payment_requests import service

_BATCH: Final = 200


def expire_requests() -> int:
    """Close expired requests; the number closed. Safe to run twice."""
    batch = partial(service.expire_requests, limit=_BATCH)
    return queue.until_done(partial(ledger_transaction, batch))
