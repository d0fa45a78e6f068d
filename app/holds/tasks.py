"""Jobs of holds."""

from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from app.common import queue
from app.common.db import retry_transaction
from app.holds import service
from app.wallets import service as wallets

#: So that nobody who moves money waits long for the wallets of a batch.
_BATCH: Final = 100


def let_expired_holds_go() -> int:
    """Make money available again whose promise is over; how many there were. Safe to run twice."""
    return queue.until_done(partial(retry_transaction, _batch))


def _batch(session: Session) -> int:
    wallets.stand_in_line(session, alone=False)
    return service.let_expired_go(session, at_most=_BATCH)
