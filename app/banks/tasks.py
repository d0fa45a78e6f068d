"""Jobs of the inbox. Each is safe to run twice, and at the same time."""

import time
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.banks import service
from app.common.db import reading, retry_transaction

#: A worker that is told to stop finishes its job, and is not given longer than half a minute.
_SWEEP_SECONDS: Final = 20
_SWEEP_EVENTS: Final = 10_000

_log = structlog.get_logger()


def settle(event_id: str) -> None:
    """Have one event take effect. If that fails, the row says so and a sweep tries again."""
    which = UUID(event_id)
    try:
        retry_transaction(partial(service.settle, event_id=which))
    except Exception as error:  # whatever it is, it must not keep other events from their turn
        _log.exception("bank event not settled", event_id=event_id)
        retry_transaction(partial(service.postpone, event_id=which, because=type(error).__name__))


def sweep() -> int:
    """Settle what waits: events whose job was lost, or which were refused before."""
    deadline = time.monotonic() + _SWEEP_SECONDS
    with reading() as session:
        found = service.waiting(session, limit=_SWEEP_EVENTS)
    done = 0
    for event_id in found:
        if time.monotonic() > deadline:
            break
        settle(str(event_id))
        done += 1
    return done
