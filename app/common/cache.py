"""A shared cache in Redis that is never needed: without Redis everything works, slower."""

import secrets
import threading
import time
from collections.abc import Callable
from typing import Final, cast

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.common.local_cache import LocalCache
from app.common.process_state import Slot

log = structlog.get_logger()

_TAG_BYTES: Final = 16
_POLL_SECONDS: Final = 0.02
_BUILD_SECONDS: Final = 2.0
#: After a failure Redis is left alone this long, so that an outage costs no request a time-out.
_REST_SECONDS: Final = 1.0


#: The client of this process.
client: Final[Slot[redis.Redis]] = Slot("cache")


def connect(url: str) -> redis.Redis:
    """A client that gives up quickly: a cache that makes people wait is worse than none."""
    return redis.Redis.from_url(
        url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 1)
    )


class Region:
    """Answers that become stale together, kept `ttl` seconds.

    Every entry carries the tag that was in force before it was built; `invalidate` replaces the
    tag, so an entry built from older data is unreachable from that moment, even when it is
    stored afterwards.
    """

    def __init__(self, client: redis.Redis, name: str, *, ttl: int) -> None:
        self._client = client
        self._name = name
        self._ttl = ttl
        self._resting_until = 0.0
        self._must_invalidate = False
        self._lock = threading.Lock()
        self._near = LocalCache(client, f"{name}:changed")

    def fetch(self, key: str, build: Callable[[], bytes]) -> bytes:
        """The entry of `key`, built at most once at a time by all processes together."""
        if time.monotonic() < self._resting_until:
            return build()
        try:
            return self._fetch(f"{self._name}:{key}", build)
        except redis.RedisError as error:
            self._rest(error)
            return build()

    def invalidate(self) -> None:
        """Make every entry unreachable now. When Redis is away, before it is used again."""
        self._near.drop()
        try:
            with self._client.pipeline(transaction=True) as pipe:
                pipe.set(f"{self._name}:tag", secrets.token_bytes(_TAG_BYTES))
                pipe.publish(f"{self._name}:changed", b"")
                pipe.execute()
            self._must_invalidate = False
        except redis.RedisError as error:
            self._must_invalidate = True
            self._rest(error)

    def _fetch(self, key: str, build: Callable[[], bytes]) -> bytes:
        if self._must_invalidate:
            self.invalidate()
            if self._must_invalidate:
                return build()
        copy, epoch = self._near.get(key)
        if copy is not None:
            return copy
        tag, entry = self._read(key)
        if entry is not None:
            # In whole seconds of which one has begun: no copy outlives its entry.
            left = self._client.ttl(key)
            self._near.put(key, entry, seconds=max(left - 1, 0), epoch=epoch)
            return entry
        if not self._client.set(f"{key}:building", b"1", nx=True, px=int(_BUILD_SECONDS * 1000)):
            return self._wait_for_builder(key) or build()
        if tag is None:
            self._client.set(f"{self._name}:tag", secrets.token_bytes(_TAG_BYTES), nx=True)
        # Whoever was building may have finished between our look and our turn.
        tag, entry = self._read(key)
        if entry is not None:
            self._client.delete(f"{key}:building")
            return entry
        return self._build_and_store(key, tag or b"", build)

    def _read(self, key: str) -> tuple[bytes | None, bytes | None]:
        found = self._client.mget(f"{self._name}:tag", key)
        tag, entry = cast("list[bytes | None]", found)
        if tag is None or entry is None or not entry.startswith(tag):
            return tag, None
        return tag, entry[_TAG_BYTES:]

    def _build_and_store(self, key: str, tag: bytes, build: Callable[[], bytes]) -> bytes:
        try:
            entry = build()
            with self._client.pipeline(transaction=False) as pipe:
                pipe.set(key, tag + entry, ex=self._ttl)
                pipe.delete(f"{key}:building")
                try:
                    pipe.execute()
                except redis.RedisError as error:
                    self._rest(error)
            return entry
        except BaseException:
            self._client.delete(f"{key}:building")
            raise

    def _wait_for_builder(self, key: str) -> bytes | None:
        deadline = time.monotonic() + _BUILD_SECONDS
        while time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            _, entry = self._read(key)
            if entry is not None:
                return entry
            if not self._client.exists(f"{key}:building"):
                # Given up, or finished between the two questions.
                return self._read(key)[1]
        return None

    def _rest(self, error: redis.RedisError) -> None:
        with self._lock:
            if time.monotonic() >= self._resting_until:
                log.warning("cache_away", error=type(error).__name__)
            self._resting_until = time.monotonic() + _REST_SECONDS
