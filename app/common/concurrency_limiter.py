"""Limits how many long requests run at a time.

A request with a large body or response occupies a thread of the web process for as long as the
client takes, and other requests need the threads.
"""

import threading
from collections import Counter
from collections.abc import Callable, Hashable

from app.common.errors import Unavailable


class ConcurrencyLimiter:
    """At most `limit` at a time in this process, and at most `per_caller` of each caller.

    While half of them or more are taken, a caller gets no second one, so that a few callers
    cannot take all.
    """

    def __init__(self, limit: int, *, per_caller: int = 1) -> None:
        self._limit = limit
        self._per_caller = per_caller
        self._running: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    def acquire(self, caller: Hashable) -> Callable[[], None]:
        """Start one more; call the result, once, when it has ended.

        Raises Unavailable when the limit of the process or of the caller is reached.
        """
        with self._lock:
            total = self._running.total()
            allowed = self._per_caller if total < self._limit / 2 else 1
            if total >= self._limit or self._running[caller] >= allowed:
                raise Unavailable(retry_after=2)
            self._running[caller] += 1
        return lambda: self._release(caller)

    def _release(self, caller: Hashable) -> None:
        with self._lock:
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]
