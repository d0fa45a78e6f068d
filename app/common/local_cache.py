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
#: An epoch that no copy is put into.
_NEVER: Final = -1


@dataclass(frozen=True, slots=True)
class _Copy:
    body: bytes
    until: float


class LocalCache:
    """Copies of entries of one region, all dropped at any message on `channel`.

    `get` may raise redis.RedisError; nothing is kept then.
    """

    def __init__(self, client: redis.Redis, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._lock = threading.Lock()
        self._subscribing = threading.Lock()
        self._copies: OrderedDict[str, _Copy] = OrderedDict()
        self._news: Any = None
        self._epoch = 0

    def get(self, key: str) -> tuple[bytes | None, int]:
        """The copy of `key`, if nothing was published since it was made, and the epoch we are in.

        Who finds none reads the entry from Redis and may `put` it into the same epoch.
        """
        with self._lock:
            if self._hears():
                copy = self._copies.get(key)
                alive = copy is not None and copy.until > time.monotonic()
                return (copy.body if copy and alive else None), self._epoch
        return None, self._subscribe()

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

    def _hears(self) -> bool:
        """Forget everything if anything was published; False when we would not hear of it."""
        if self._news is None:
            return False
        try:
            if self._news.connection.can_read(timeout=0):
                self._forget()
                while self._news.get_message(timeout=0) is not None:
                    pass
        except redis.RedisError:
            self._news = None
            self._forget()
        return self._news is not None

    def _subscribe(self) -> int:
        """Begin to hear; the epoch from which on we do, or one that is never.

        One thread at a time, and nobody waits for it: a Redis that hangs must not hold them up.
        """
        if not self._subscribing.acquire(blocking=False):
            return _NEVER
        try:
            news: Any = self._client.pubsub()  # type: ignore[no-untyped-call]
            news.subscribe(self._channel)
            # Once this is confirmed nothing that is published escapes us.
            news.get_message(timeout=0.5)
            with self._lock:
                self._news = news
                self._forget()
                return self._epoch
        finally:
            self._subscribing.release()

    def _forget(self) -> None:
        self._copies.clear()
        self._epoch += 1
