"""Refused attempts per address, approximately, in Redis.

Counted in buckets of a window's length; the one before counts in proportion to what is left of it.
Without Redis they are unknown, and rules about them do not match.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final, cast

import redis

from app.common import cache, clock
from app.risk.conditions import WINDOWS, Window

_PREFIX: Final = "cache:risk:refused"


def count(network: str) -> None:
    """Count a refused attempt of this address."""
    now = clock.now().timestamp()
    with suppress(redis.RedisError), cache.client().pipeline(transaction=False) as pipe:
        for window, length in WINDOWS.items():
            key = _key(network, window, int(now // length.total_seconds()))
            pipe.incr(key)
            pipe.expire(key, 2 * length)
        pipe.execute()


def read(network: str) -> Mapping[Window, int]:
    """Refused attempts of this address by window; empty if they are unknown."""
    now = clock.now().timestamp()
    keys = []
    for window, length in WINDOWS.items():
        bucket = int(now // length.total_seconds())
        keys += [_key(network, window, bucket), _key(network, window, bucket - 1)]
    try:
        found = cast("list[bytes | None]", cache.client().mget(keys))
    except redis.RedisError:
        return {}
    counts = [int(value or 0) for value in found]
    return {
        window: counts[2 * n] + int(counts[2 * n + 1] * _left(now, length))
        for n, (window, length) in enumerate(WINDOWS.items())
    }


def _left(now: float, length: timedelta) -> float:
    """The share of the bucket before that is still within the window."""
    seconds = length.total_seconds()
    return 1 - now % seconds / seconds


def _key(network: str, window: Window, bucket: int) -> str:
    return f"{_PREFIX}:{window.lower()}:{bucket}:{network}"
