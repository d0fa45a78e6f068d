"""Approximate counts of what happened within windows that end now, in Redis.

Counted in buckets of a window's length; the one before counts in proportion to what is left of it.
Without Redis, nothing is counted and counts are unknown.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import cast

import redis

from app.common import cache, clock


def count(name: str, windows: Sequence[timedelta]) -> None:
    """Count an event of this name, in every window. name: begins with `cache:`."""
    now = clock.now().timestamp()
    with suppress(redis.RedisError), cache.client().pipeline(transaction=False) as pipe:
        for length in windows:
            seconds = int(length.total_seconds())
            key = _key(name, seconds, int(now // seconds))
            pipe.incr(key)
            pipe.expire(key, 2 * seconds)
        pipe.execute()


def read(name: str, windows: Sequence[timedelta]) -> list[int] | None:
    """How many events of this name each window has, None if it is unknown."""
    now = clock.now().timestamp()
    lengths = [int(length.total_seconds()) for length in windows]
    keys = [
        _key(name, seconds, int(now // seconds) - back) for seconds in lengths for back in (0, 1)
    ]
    try:
        found = cast("list[bytes | None]", cache.client().mget(keys))
    except redis.RedisError:
        return None
    counts = [int(value or 0) for value in found]
    return [
        # The seconds of the bucket before that are still within the window.
        counts[2 * n] + counts[2 * n + 1] * (seconds - int(now) % seconds) // seconds
        for n, seconds in enumerate(lengths)
    ]


def _key(name: str, seconds: int, bucket: int) -> str:
    return f"{name}:{seconds}:{bucket}"
