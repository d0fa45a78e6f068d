"""Copies of cached answers in this process, as good as asking Redis before each use.

Whoever changes something publishes it, and Redis hands a message to every subscriber in the same
turn in which the publisher gets its answer. So a copy is used only when a look at our subscription
finds no news – which asks the operating system, not Redis.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import redis

#: More than a shop window has pages that everybody looks at.
_COPIES: Final = 32


@dataclass(frozen=True, slots=True)
class _Copy:
    body: bytes
    until: float


class NearCopies:
    """Copies of entries of one region, all dropped at any message on `channel`.

    Everything may raise redis.RedisError; nothing is kept then.
    """

    def __init__(self, client: redis.Redis, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._lock = threading.Lock()
        self._copies: OrderedDict[str, _Copy] = OrderedDict()
        self._news: Any = None
        self._epoch = 0

    def get(self, key: str) -> tuple[bytes | None, int]:
        """The copy of `key`, if nothing was published since it was made, and the epoch we are in.

        Who finds none reads the entry from Redis and may `put` it into the same epoch.
        """
        with self._lock:
            self._hear()
            copy = self._copies.get(key)
            alive = copy is not None and copy.until > time.monotonic()
            return (copy.body if copy and alive else None), self._epoch

    def put(self, key: str, body: bytes, *, seconds: float, epoch: int) -> None:
        """Keep `body` for so long, unless something was published since `epoch`."""
        with self._lock:
            if epoch == self._epoch:
                self._copies[key] = _Copy(body, time.monotonic() + seconds)
                self._copies.move_to_end(key)
                if len(self._copies) > _COPIES:
                    self._copies.popitem(last=False)

    def drop(self) -> None:
        """Forget every copy."""
        with self._lock:
            self._forget()

    def _hear(self) -> None:
        """Forget everything if anything was published, or may have been without our hearing it."""
        try:
            if self._news is not None and not self._news.connection.can_read(timeout=0):
                return
            self._forget()
            while self._news is not None and self._news.get_message(timeout=0) is not None:
                pass
        except redis.RedisError:
            self._news = None
            self._forget()
        if self._news is None:
            self._subscribe()

    def _subscribe(self) -> None:
        news: Any = self._client.pubsub()  # type: ignore[no-untyped-call]
        news.subscribe(self._channel)
        # Once this is confirmed nothing that is published escapes us.
        news.get_message(timeout=0.5)
        self._news = news

    def _forget(self) -> None:
        self._copies.clear()
        self._epoch += 1
