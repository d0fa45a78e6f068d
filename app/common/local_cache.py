"""Copies of cached responses in this process, as fresh as reading Redis before each use.

Every change publishes a message, and Redis sends it to every subscriber before it processes
another command. So a copy is used only if our subscription has no pending message – which polls
the socket and needs no round trip to Redis.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import redis

from app.common import redis_client

#: Maximum number of copies: more than there are popular pages.
_MAX_COPIES: Final = 32
#: An epoch that never matches, so that no copy is stored.
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
        self._subscription: Any = None
        self._epoch = 0

    def get(self, key: str) -> tuple[bytes | None, int]:
        """The copy of `key`, if nothing was published since it was stored, and the current epoch.

        Without a copy, the caller reads the entry from Redis and may `put` it with this epoch.
        """
        with self._lock:
            if self._is_subscribed():
                copy = self._copies.get(key)
                alive = copy is not None and copy.until > time.monotonic()
                return (copy.body if copy and alive else None), self._epoch
        return None, self._subscribe()

    def put(self, key: str, body: bytes, *, seconds: float, epoch: int) -> None:
        """Keep `body` for `seconds`, unless something was published since `epoch`."""
        with self._lock:
            if epoch == self._epoch:
                self._copies[key] = _Copy(body, time.monotonic() + seconds)
                self._copies.move_to_end(key)
                if len(self._copies) > _MAX_COPIES:
                    self._copies.popitem(last=False)

    def drop(self) -> None:
        """Drop every copy."""
        with self._lock:
            self._clear()

    def _is_subscribed(self) -> bool:
        """Drop every copy if anything was published; False if there is no subscription."""
        if self._subscription is None:
            return False
        try:
            if self._subscription.connection.can_read(timeout=0):
                self._clear()
                while self._subscription.get_message(timeout=0) is not None:
                    pass
        except redis.RedisError:
            self._subscription = None
            self._clear()
        return self._subscription is not None

    def _subscribe(self) -> int:
        """Subscribe. Returns the epoch that starts with it, or `_NEVER`.

        One thread at a time; others do not wait, so an unresponsive Redis does not block them.
        """
        if not self._subscribing.acquire(blocking=False):
            return _NEVER
        try:
            subscription: Any = self._client.pubsub()  # type: ignore[no-untyped-call]
            subscription.subscribe(self._channel)
            # After this confirmation, no published message is missed.
            if subscription.get_message(timeout=redis_client.TIMEOUT_SECONDS) is None:
                raise redis.TimeoutError("the subscription was not confirmed in time")
            with self._lock:
                self._subscription = subscription
                self._clear()
                return self._epoch
        finally:
            self._subscribing.release()

    def _clear(self) -> None:
        self._copies.clear()
        self._epoch += 1
