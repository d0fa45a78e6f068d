"""Jobs of the retention."""

from typing import Final

from app.common import clock, queue
from app.retention import service

#: For how long runs follow one another, while there is something to delete: until the scheduled
#: one of the next minute.
_SECONDS: Final = 55


def prune(until: float | None = None) -> int:
    """Delete rows that are older than their retention. Returns their number. Safe to run twice.

    A run is short. While it leaves something to do, another one is enqueued behind the other jobs,
    until the time `until` (Unix). Raises ExceptionGroup with the errors of rules that failed, which
    are tried again by the next scheduled run.
    """
    now = clock.now().timestamp()
    until = now + _SECONDS if until is None else until
    pruned = service.prune()
    if pruned.errors:
        raise ExceptionGroup("rules of the retention failed", pruned.errors)
    if not pruned.is_complete and now < until:
        queue.enqueue(prune, until)
    return pruned.rows
