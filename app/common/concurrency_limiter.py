"""Limits how many long requests run at a time.

A request with a large body or response occupies a thread of the web process for as long as the
client takes, and other requests need the threads.
"""

import threading
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from app.common.errors import Unavailable


class ConcurrencyLimiter:
    """At most `limit` at a time in this process, and at most `per_caller` of each caller."""

    def __init__(self, limit: int, *, per_caller: int = 1) -> None:
        self._limit = limit
        self._per_caller = per_caller
        self._running: Counter[UUID] = Counter()
        self._lock = threading.Lock()

    def acquire(self, caller_id: UUID) -> Callable[[], None]:
        """Start one more; call the result, once, when it has ended.

        Raises Unavailable when the limit of the process or of the caller is reached.
        """
        with self._lock:
            is_full = self._running.total() >= self._limit
            if is_full or self._running[caller_id] >= self._per_caller:
                raise Unavailable(retry_after=2)
            self._running[caller_id] += 1
        return lambda: self._release(caller_id)

    def _release(self, caller_id: UUID) -> None:
        with self._lock:
            self._running[caller_id] -= 1
            if not self._running[caller_id]:
                del self._running[caller_id]
