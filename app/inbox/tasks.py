"""Jobs of the inbox. Each is safe to run twice, also concurrently."""

import time
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.common.db import reading, retry_transaction
from app.inbox import service
from app.ledger_lock.service import ledger_transaction

#: A stopped worker has 30 seconds to finish its job.
_SWEEP_SECONDS: Final = 20
_SWEEP_EVENTS: Final = 10_000

_log = structlog.get_logger()


def handle(event_id: str) -> None:
    """Handle one event. If that fails, the error is recorded and a scheduled job retries."""
    row_id = UUID(event_id)
    try:
        ledger_transaction(partial(service.handle, event_id=row_id))
    except Exception as error:  # any failure must not delay other events
        _log.exception("inbound event not handled", event_id=event_id)
        retry_transaction(partial(service.postpone, event_id=row_id, reason=type(error).__name__))


def sweep() -> int:
    """Handle due events: their job was lost, or an attempt to handle them failed."""
    deadline = time.monotonic() + _SWEEP_SECONDS
    with reading() as session:
        due = service.list_due(session, limit=_SWEEP_EVENTS)
    handled = 0
    for event_id in due:
        if time.monotonic() > deadline:
            break
        handle(str(event_id))
        handled += 1
    return handled
