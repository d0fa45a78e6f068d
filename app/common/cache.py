"""A shared, optional cache in Redis: without Redis everything works, but slower."""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

import redis

from app.common import metrics
from app.common.local_cache import LocalCache
from app.common.process_state import Slot
from app.common.redis_client import circuit_of

_TAG_BYTES: Final = 16
_POLL_SECONDS: Final = 0.02
_BUILD_SECONDS: Final = 2.0

_READS: Final = metrics.counter(
    "payment_flow_cache_reads_total",
    "Reads of cached responses, by where the response came from",
    "region",
    "outcome",
)

#: The client of this process.
client: Final[Slot[redis.Redis]] = Slot("cache")


class Region:
    """Cached responses that are invalidated together, kept for `ttl` seconds.

    Every entry carries the tag that was current before it was built; `invalidate` replaces the
    tag, so an entry built from older data is unreachable from that moment, even when it is
    stored afterwards.
    """

    def __init__(self, client: redis.Redis, name: str, *, ttl: int) -> None:
        self._client = client
        self._name = name
        self._ttl = ttl
        self._must_invalidate = False
        self._local = LocalCache(client, f"{name}:changed")
        label = name.removeprefix("cache:")
        self._reads = {
            outcome: _READS.labels(label, outcome)
            for outcome in ("local", "shared", "missed", "unavailable")
        }

    def fetch(self, key: str, build: Callable[[], bytes]) -> bytes:
        """The entry of `key`. Only one process at a time builds it."""
        if circuit_of(self._client).is_open:
            self._local.drop()  # a change cannot be published now
            self._count("unavailable")
            return build()
        try:
            return self._fetch(f"{self._name}:{key}", build)
        except redis.RedisError:
            self._count("unavailable")
            return build()

    def invalidate(self) -> None:
        """Make every entry unreachable now, or before Redis is used again if it is unavailable."""
        self._local.drop()
        try:
            with self._client.pipeline(transaction=True) as pipe:
                pipe.set(f"{self._name}:tag", secrets.token_bytes(_TAG_BYTES))
                pipe.publish(f"{self._name}:changed", b"")
                pipe.execute()
            self._must_invalidate = False
        except redis.RedisError:
            self._must_invalidate = True

    def _fetch(self, key: str, build: Callable[[], bytes]) -> bytes:
        if self._must_invalidate:
            self.invalidate()
            if self._must_invalidate:
                raise redis.ConnectionError("the region cannot be invalidated")
        copy, epoch = self._local.get(key)
        if copy is not None:
            self._count("local")
            return copy
        tag, entry = self._read(key)
        if entry is not None:
            # TTLs are rounded to whole seconds: one less, so that no copy outlives its entry.
            left = self._client.ttl(key)
            self._local.put(key, entry, seconds=max(left - 1, 0), epoch=epoch)
            self._count("shared")
            return entry
        self._count("missed")
        if not self._client.set(f"{key}:building", b"1", nx=True, px=int(_BUILD_SECONDS * 1000)):
            return self._wait_for_builder(key) or build()
        if tag is None:
            self._client.set(f"{self._name}:tag", secrets.token_bytes(_TAG_BYTES), nx=True)
        # Another process may have finished building between our read and our lock.
        tag, entry = self._read(key)
        if entry is not None:
            self._client.delete(f"{key}:building")
            return entry
        return self._build_and_store(key, tag or b"", build)

    def _count(self, outcome: str) -> None:
        self._reads[outcome].inc()

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
                with suppress(redis.RedisError):
                    pipe.execute()
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
                # The builder failed, or finished between the two reads.
                return self._read(key)[1]
        return None
