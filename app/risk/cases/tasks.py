"""Jobs of cases."""

from functools import partial
from typing import Final

from app.common import queue
from app.ledger_lock.service import ledger_transaction
from app.risk.cases import service

#: Cases per transaction: few enough that requests do not wait long for the ledger lock.
_BATCH: Final = 50


def expire_cases() -> int:
    """Reject payments that were not reviewed in time. Returns their number. Safe to run twice."""
    batch = partial(service.expire_due, limit=_BATCH)
    return queue.until_done(lambda: ledger_transaction(batch))
