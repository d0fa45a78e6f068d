"""Connections to Redis that never keep a caller waiting for long.

Redis holds nothing that a request cannot do without. All clients of a process share one circuit:
after the first call that fails or is not answered in time, no part of the process (cache, rate
limits, queue, circuit breakers) calls Redis until it answers again.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar, cast

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection

from app.common import redis_sentinel

T = TypeVar("T")

#: Seconds that a caller waits for Redis, which usually answers within a millisecond.
TIMEOUT_SECONDS: Final = 0.03
#: Seconds between attempts to reach Redis again. The first is soon, because a busy machine can
#: delay an answer; each further pause is twice as long.
FIRST_RETRY_SECONDS: Final = 0.05
MAX_RETRY_SECONDS: Final = 1.0
#: Actions that wait until Redis answers again. Further ones are not made up for.
_MAX_WAITING: Final = 1000

_log = structlog.get_logger()


class RedisUnavailable(redis.ConnectionError):
    """Redis was not called, because it did not answer a moment ago."""


class Circuit:
    """Whether a server may be called: Redis, unless it is told otherwise.

    A failure opens it. A thread then tries whether Redis answers (half-open), so that no request
    waits for the attempts, and the first answer closes it.
    """

    def __init__(
        self,
        probe: Callable[[], object],
        *,
        server: str = "redis",
        failures: tuple[type[Exception], ...] = (redis.RedisError,),
    ) -> None:
        """probe: calls the server, and raises one of `failures` if it does not answer."""
        self._probe = probe
        self._server = server
        self._failures = failures
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], object]] = []
        self.is_open = False

    def enter(self) -> None:
        """Allow a call, or raise RedisUnavailable."""
        if self.is_open:
            raise RedisUnavailable("Redis did not answer a moment ago")

    def record_failure(self, error: Exception) -> None:
        """Open the circuit after a call that failed or was not answered in time."""
        with self._lock:
            if self.is_open:
                return
            self.is_open = True
        _log.warning(f"{self._server}_unavailable", error=type(error).__name__)
        threading.Thread(target=self._close_when_it_answers, daemon=True).start()

    def make_up_for(self, action: Callable[[], object]) -> bool:
        """Call `action` once Redis answers again, in another thread. Returns False if Redis answers
        already, or too many wait. Its redis.RedisError is ignored."""
        with self._lock:
            is_kept = self.is_open and len(self._waiting) < _MAX_WAITING
            if is_kept:
                self._waiting.append(action)
        return is_kept

    def _close_when_it_answers(self) -> None:
        pause = FIRST_RETRY_SECONDS
        while True:
            time.sleep(pause)
            pause = min(2 * pause, MAX_RETRY_SECONDS)
            with suppress(*self._failures):
                self._probe()
                break
        with self._lock:
            self.is_open = False
            waiting, self._waiting = self._waiting, []
        _log.warning(f"{self._server}_available")
        for action in waiting:
            with suppress(redis.RedisError):
                action()


def connect(
    url: str, *, timeout: float | None = None, circuit: Circuit | None = None
) -> redis.Redis:
    """A client of the Redis at `url`. It connects at the first call.

    timeout: seconds for a connection, and for an answer, TIMEOUT_SECONDS by default; circuit: of
    another client of the same server, a new one by default. Calls raise redis.RedisError.
    """
    seconds = TIMEOUT_SECONDS if timeout is None else timeout
    if circuit is None:
        probe = connect_directly(url, timeout=seconds, retry=Retry(NoBackoff(), 0))
        circuit = Circuit(probe.ping)
    retry = _ObservedRetry(circuit)
    return redis.Redis(connection_pool=_open_pool(url, circuit, timeout=seconds, retry=retry))


def connect_directly(
    url: str, *, timeout: float, connect_timeout: float | None = None, **options: Any
) -> redis.Redis:
    """A client without a circuit, for callers who have the time to wait for Redis.

    timeout: seconds for an answer, and for a connection unless `connect_timeout` is given;
    options: of the connections, as of `redis.Redis`. Calls raise redis.RedisError.
    """
    pool = _open_pool(url, None, timeout=timeout, connect_timeout=connect_timeout, **options)
    return redis.Redis.from_pool(pool)


def _open_pool(
    url: str,
    circuit: Circuit | None,
    *,
    timeout: float,
    connect_timeout: float | None = None,
    **options: Any,
) -> "_Pool | _SentinelPool":
    limits = {"socket_timeout": timeout, "socket_connect_timeout": connect_timeout or timeout}
    primary = redis_sentinel.parse(url)
    if primary is None:
        return _Pool.from_url(url, circuit=circuit, **limits, **options)
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        primary.sentinels,
        sentinel_kwargs={**primary.login, **limits, "retry": Retry(NoBackoff(), 0)},
    )
    options = {**primary.options, **limits, **options}
    return _SentinelPool(primary.name, sentinels, circuit=circuit, **options)


def circuit_of(client: redis.Redis) -> Circuit:
    """The circuit of a client that `connect` has returned."""
    return cast("Circuit", cast("_GuardedPool", client.connection_pool).circuit)


def make_up_for(client: redis.Redis, action: Callable[[], object]) -> bool:
    """As `Circuit.make_up_for`; False for a client without a circuit."""
    pool = client.connection_pool
    guarded = isinstance(pool, _GuardedPool) and pool.circuit is not None
    return guarded and circuit_of(client).make_up_for(action)


class _ObservedRetry(Retry):
    """Retries once on another connection if the server has closed the first, and reports failures.

    A call that is not answered in time is not retried.
    """

    def __init__(self, circuit: Circuit) -> None:
        super().__init__(NoBackoff(), 1, (redis.ConnectionError,))
        self._circuit = circuit

    def __deepcopy__(self, _: object) -> "_ObservedRetry":
        return self  # the client copies it for every connection, and the circuit is shared

    def call_with_retry(self, do: Callable[[], T], *args: Any, **options: Any) -> T:
        try:
            return super().call_with_retry(do, *args, **options)
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            self._circuit.record_failure(error)
            raise


class _GuardedPool(redis.ConnectionPool):
    """A pool that asks its circuit, if it has one, before it lends a connection."""

    def __init__(self, *args: Any, circuit: Circuit | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.circuit = circuit

    def get_connection(self, *args: Any, **options: Any) -> Any:
        if self.circuit is not None:
            self.circuit.enter()
        return super().get_connection(*args, **options)


class _Pool(_GuardedPool):
    """Of the Redis at an address."""


class _SentinelConnection(SentinelManagedConnection):
    """A connection that is closed when an answer does not come in time, as any other is: the base
    class keeps it, and the next caller would get the late answer."""

    def read_response(
        self, *args: Any, disconnect_on_error: bool | None = True, **options: Any
    ) -> Any:
        return super().read_response(*args, disconnect_on_error=disconnect_on_error, **options)


class _TlsSentinelConnection(_SentinelConnection, redis.SSLConnection):
    """The same with TLS."""


class _SentinelPool(_GuardedPool, SentinelConnectionPool):
    """Of the Redis that is the primary according to the Sentinels, whom each new connection asks.

    A connection whose Redis has become a replica is closed.
    """

    def __init__(self, *args: Any, ssl: bool = False, **options: Any) -> None:
        connection = _TlsSentinelConnection if ssl else _SentinelConnection
        super().__init__(*args, connection_class=connection, **options)
