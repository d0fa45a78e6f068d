"""Jobs of on-ramps."""

from functools import partial
from typing import Final

from app.common import queue
from app.common.db import retry_transaction
from app.onramp import settlement

_AT_ONCE: Final = 500


def expire() -> int:
    """Close what the bank said nothing of in time; how many. Safe to run twice."""
    batch = partial(settlement.expire_overdue, limit=_AT_ONCE)
    return queue.until_done(partial(retry_transaction, batch))
