"""Room for a few long requests at a time.

Whoever sends a long answer, or reads a long request, holds a thread of the web process for as long
as the caller takes, and the threads are there for sales.
"""

import threading
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from app.common.errors import Unavailable


class Places:
    """So many at a time in this process, and so many of them for each caller."""

    def __init__(self, most: int, *, each: int = 1) -> None:
        self._most = most
        self._each = each
        self._taken: Counter[UUID] = Counter()
        self._lock = threading.Lock()

    def take(self, caller_id: UUID) -> Callable[[], None]:
        """Take a place; call the result, once, to give it back.

        Raises Unavailable when there is none, or the caller has as many as each may have.
        """
        with self._lock:
            if self._taken[caller_id] >= self._each or self._taken.total() >= self._most:
                raise Unavailable(retry_after=2)
            self._taken[caller_id] += 1
        return lambda: self._give_back(caller_id)

    def _give_back(self, caller_id: UUID) -> None:
        with self._lock:
            self._taken[caller_id] -= 1
            if not self._taken[caller_id]:
                del self._taken[caller_id]
