"""Room for a few long answers at a time.

Whoever sends a long answer holds a thread of the web process for as long as the caller takes to
read it, and the threads are there for sales.
"""

import threading
from collections.abc import Callable
from uuid import UUID

from app.common.errors import Unavailable


class Places:
    """So many at a time in this process, one for each caller."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: set[UUID] = set()
        self._lock = threading.Lock()

    def take(self, user_id: UUID) -> Callable[[], None]:
        """Take a place; call the result, once, to give it back.

        Raises Unavailable when there is none, or the caller has one already.
        """
        with self._lock:
            if user_id in self._taken or len(self._taken) >= self._most:
                raise Unavailable(retry_after=2)
            self._taken.add(user_id)
        return lambda: self._taken.discard(user_id)
