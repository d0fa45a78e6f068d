"""Jobs of on-ramps."""

from functools import partial
from typing import Final

from app.common import queue
from app.common.db import retry_transaction
from app.onramp import service

_BATCH_SIZE: Final = 500


def expire_onramps() -> int:
    """Close expired on-ramps without an event of the bank. Safe to run twice."""
    batch = partial(service.expire_onramps, limit=_BATCH_SIZE)
    return queue.until_done(partial(retry_transaction, batch))
