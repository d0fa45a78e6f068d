"""Jobs of holds."""

from functools import partial
from typing import Final

from app.common import queue
from app.ledger_lock.service import ledger_transaction
from app.wallets.holds import service

#: Holds per transaction: few enough that requests do not wait long for the ledger lock.
_BATCH: Final = 100


def expire_holds() -> int:
    """Release expired holds. Returns their number. Safe to run twice."""
    batch = partial(service.expire_due, limit=_BATCH)
    return queue.until_done(lambda: ledger_transaction(batch))
