"""Jobs of holds."""

from functools import partial
from typing import Final

from app.common import queue
from app.ledger_lock.service import ledger_transaction
from app.wallets.holds import service

#: So that nobody who moves money waits long for the wallets of a batch.
_BATCH: Final = 100


def let_expired_holds_go() -> int:
    """Make money available again whose promise is over; how many there were. Safe to run twice."""
    batch = partial(service.let_expired_go, at_most=_BATCH)
    return queue.until_done(lambda: ledger_transaction(batch, exclusive=False))
