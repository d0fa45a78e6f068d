"""Leaving alone for a while who fails: circuit breakers that all processes share."""

from collections.abc import Callable
from typing import Final, TypeVar

import redis
import structlog
from pybreaker import (
    STATE_CLOSED,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitBreakerListener,
    CircuitBreakerState,
    CircuitBreakerStorage,
    CircuitMemoryStorage,
    CircuitRedisStorage,
)

from app.common import cache
from app.common.process_state import Slot

T = TypeVar("T")

#: After so many calls in a row that failed, somebody is left alone for so many seconds.
FAILURES: Final = 3
REST_SECONDS: Final = 60

_log = structlog.get_logger()
_redis: Final[Slot[redis.Redis | None]] = Slot("circuit breakers", default=None)


class CircuitOpen(Exception):
    """It was not called: it failed too often, and is left alone for a while."""


def configure(redis_url: str | None) -> None:
    """Share with all processes who is left alone."""
    _redis.configure(cache.connect(redis_url) if redis_url else None)


def call(name: str, work: Callable[[], T], *, failure: type[Exception]) -> T:
    """What `work` returns, or raises. name: who is called, such as `bank:HDFC`.

    failure: what of the latter counts; everything else is an answer. Raises CircuitOpen.
    """
    try:
        found: T = _breaker(name, failure).call(work)
    except CircuitBreakerError as error:
        raise CircuitOpen("left alone for a while: it failed too often") from error
    return found


def _breaker(name: str, failure: type[Exception]) -> CircuitBreaker:
    """Made anew for every call: what it knows is in Redis."""
    return CircuitBreaker(
        fail_max=FAILURES,
        reset_timeout=REST_SECONDS,
        exclude=[lambda error: not isinstance(error, failure)],
        state_storage=_storage(name),
        listeners=[_Watch()],
        name=name,
        throw_new_error_on_trip=False,
    )


def _storage(name: str) -> CircuitBreakerStorage:
    if (shared := _redis()) is not None:
        try:
            return CircuitRedisStorage(STATE_CLOSED, shared, namespace=name)
        except redis.RedisError:
            _log.warning("no circuit breaker without Redis", circuit=name)
    return CircuitMemoryStorage(STATE_CLOSED)


class _Watch(CircuitBreakerListener):
    def state_change(
        self,
        cb: CircuitBreaker,
        old_state: CircuitBreakerState | None,
        new_state: CircuitBreakerState,
    ) -> None:
        _log.warning("circuit", circuit=cb.name, state=new_state.name)
