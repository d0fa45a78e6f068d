"""Circuit breakers, shared by all processes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

import redis
import structlog
from pybreaker import (
    STATE_CLOSED,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitBreakerListener,
    CircuitBreakerState,
    CircuitBreakerStorage,
    CircuitMemoryStorage,
    CircuitRedisStorage,
)

from app.common import clock
from app.common.process_state import Slot

T = TypeVar("T")

#: Consecutive failures after which a circuit opens, and seconds until it is tried again.
MAX_FAILURES: Final = 3
RESET_SECONDS: Final = 60

_log = structlog.get_logger()
_redis: Final[Slot[redis.Redis | None]] = Slot("circuit breakers", default=None)


class CircuitOpen(Exception):
    """The service was not called, because its recent calls failed."""


def configure(client: redis.Redis | None) -> None:
    """Share the state of the circuits with all processes through Redis."""
    _redis.configure(client)


def call(
    name: str,
    work: Callable[[], T],
    *,
    failure: type[Exception],
    reset_seconds: int | None = None,
) -> T:
    """Run `work` and return its result. name: the service called, such as `bank:HDFC`.

    failure: exceptions that count as failures of the service; reset_seconds: after which an open
    circuit is tried again, by default RESET_SECONDS. Raises CircuitOpen.
    """
    try:
        result: T = _breaker(name, failure, reset_seconds or RESET_SECONDS).call(work)
    except CircuitBreakerError as error:
        raise CircuitOpen("circuit open: too many recent calls failed") from error
    return result


def is_open(name: str) -> bool:
    """Whether `call` would refuse now. A circuit whose reset is due is tried, so it is not open."""
    storage = _storage(name)
    opened_at = storage.opened_at
    if storage.state != STATE_OPEN or opened_at is None:
        return False
    return clock.now() < opened_at + timedelta(seconds=RESET_SECONDS)


def is_closed(name: str) -> bool:
    """Whether the service answers. A circuit that is being tried again is not closed yet."""
    return bool(_storage(name).state == STATE_CLOSED)


def _breaker(name: str, failure: type[Exception], reset_seconds: int) -> CircuitBreaker:
    """Created for every call: its state is in Redis."""
    return CircuitBreaker(
        fail_max=MAX_FAILURES,
        reset_timeout=reset_seconds,
        exclude=[lambda error: not isinstance(error, failure)],
        state_storage=_storage(name),
        listeners=[_StateLogger()],
        name=name,
        throw_new_error_on_trip=False,
    )


def _storage(name: str) -> CircuitBreakerStorage:
    if (shared := _redis()) is not None:
        try:
            return CircuitRedisStorage(STATE_CLOSED, shared, namespace=f"circuit:{name}")
        except redis.RedisError:
            _log.warning("circuit breaker unavailable without Redis", circuit=name)
    return CircuitMemoryStorage(STATE_CLOSED)


class _StateLogger(CircuitBreakerListener):
    def state_change(
        self,
        cb: CircuitBreaker,
        old_state: CircuitBreakerState | None,
        new_state: CircuitBreakerState,
    ) -> None:
        _log.warning("circuit", circuit=cb.name, state=new_state.name)
