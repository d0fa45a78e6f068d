"""Rate limits: strict against brute force, generous elsewhere; they fail open."""

import hashlib
import math
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import redis
from flask import Flask, Response, has_request_context, request
from flask_limiter import Limiter, RateLimitExceeded
from limits import parse_many
from limits.storage import MemoryStorage, RedisStorage

from app.common import cache, redis_client
from app.common.error_handlers import render
from app.common.errors import TooManyRequests
from app.common.http import peek_json
from app.common.middleware import caller_id, count_towards
from app.common.networks import network_of
from app.common.settings import Settings

View = TypeVar("View", bound=Callable[..., Any])


def address() -> str:
    """Whom a request is counted for: the IPv4 address or the IPv6 network that it comes from."""
    return network_of(request.remote_addr or "")


#: Of all counters in Redis.
_PREFIX: Final = "pf"

#: Counted over a moving window.
limiter = Limiter(
    key_func=address,
    strategy="moving-window",
    default_limits=["30000/minute"],
    swallow_errors=True,  # some requests are counted after their transaction has committed
    key_prefix=_PREFIX,
)


def caller() -> str:
    """Whom a request is counted for: the signed-in user."""
    return f"user:{caller_id()}"


def per_field(
    name: str, limits: str, *, normalize: Callable[[str], str | None]
) -> Callable[[View], View]:
    """Limit requests with the same value in a field of the body, from all clients.

    normalize: normalizes a value, or returns None if it is invalid.
    """

    def named() -> str:
        text = text_field(name, normalize=normalize)
        return f"{name}:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"

    return _limited(limits, named)


def text_field(name: str, *, normalize: Callable[[str], str | None]) -> str:
    """A field of the body, normalized and in lower case, or empty; as typed if it is invalid."""
    body = peek_json()
    value = body.get(name) if isinstance(body, dict) else None
    return (normalize(value) or value.strip()).lower() if isinstance(value, str) else ""


def per_key(
    limits: str, key: Callable[[], str], *, when: Callable[[], bool]
) -> Callable[[View], View]:
    """Limit requests with the same key to this endpoint. when: which requests are limited."""
    limit = limiter.limit(
        limits, key_func=key, exempt_when=lambda: not when(), override_defaults=False
    )
    return cast("Callable[[View], View]", limit)


def per_address(limits: str) -> Callable[[View], View]:
    """Limit requests from the same address to this endpoint."""
    return _limited(limits, address)


def per_address_and_path(limits: str) -> Callable[[View], View]:
    """Limit requests from the same address to the same path."""
    return _limited(limits, lambda: f"{address()}:{request.path}")


def per_caller(limits: str) -> Callable[[View], View]:
    """Limit requests of the same signed-in user to this endpoint."""
    return _limited(limits, caller)


def shared(
    limits: str,
    *,
    by: Callable[[], str],
    scope: str,
    when: Callable[[], bool] = lambda: True,
    counts: Callable[[Response], bool] | None = None,
) -> Callable[[View], View]:
    """Limit requests to all endpoints that name this scope, counted together.

    by: `caller` or `address`, whose requests are counted; when: which requests are limited;
    counts: which responses count, all by default.
    """
    limit = limiter.shared_limit(
        limits,
        scope=scope,
        key_func=by,
        exempt_when=lambda: not when(),
        deduct_when=counts,
        override_defaults=False,  # exempt requests still have the default limit
    )
    return cast("Callable[[View], View]", limit)


def count(limits: str, *, scope: str, key: str) -> None:
    """Count this request towards limits that all requests with the same scope and key share.

    For endpoints where only few of many requests are limited: a decorator would cost each request
    as much as reading its body. Raises TooManyRequests.
    """
    if not limiter.enabled:
        return
    for limit in parse_many(limits):
        if not limiter.limiter.hit(limit, _PREFIX, scope, key):
            raise _too_many(limiter.limiter.get_window_stats(limit, _PREFIX, scope, key).reset_time)


def _limited(limits: str, key: Callable[[], str]) -> Callable[[View], View]:
    return cast("Callable[[View], View]", limiter.limit(limits, key_func=key))


def _count_towards(limit: int, expiry: int, *, counted: int, oldest: float, now: float) -> None:
    if has_request_context():
        count_towards(limit, expiry, left=limit - counted, reset=math.ceil(oldest + expiry - now))


#: As the library's script counts a request, and tells what it would take a second call to ask
#: for: how many requests the window contains now, and the time of the oldest of them.
_HIT: Final = """
local now, limit, expiry = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local since = now - expiry
local function at(index) return tonumber(redis.call('lindex', KEYS[1], index) or 0) end

local acquired = at(limit - 1) < since
if acquired then
    redis.call('lpush', KEYS[1], ARGV[1])
    redis.call('ltrim', KEYS[1], 0, limit - 1)
    redis.call('expire', KEYS[1], expiry)
end

local counted, beyond = 0, redis.call('llen', KEYS[1])
while counted < beyond do  -- the times are in descending order
    local middle = math.floor((counted + beyond) / 2)
    if at(middle) >= since then counted = middle + 1 else beyond = middle end
end
local oldest = counted > 0 and redis.call('lindex', KEYS[1], counted - 1) or ARGV[1]
return {acquired and 1 or 0, counted, oldest}
"""


class _Counters(RedisStorage):
    """Counts in Redis for all processes, and in this process while Redis is unavailable."""

    STORAGE_SCHEME = ["redis-or-memory"]  # noqa: RUF012 – as the library declares it

    def __init__(self, _: str, *, client: redis.Redis, **options: Any) -> None:
        super().__init__("redis://", connection_pool=client.connection_pool, **options)
        self._memory = MemoryStorage()
        self._hit = client.register_script(_HIT)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request. amount: always 1."""
        now = time.time()
        try:
            acquired, counted, oldest = self._hit([self.prefixed_key(key)], [now, limit, expiry])
        except redis.RedisError:
            acquired = self._memory.acquire_entry(key, limit, expiry, amount)
            oldest, counted = self._memory.get_moving_window(key, limit, expiry)
        _count_towards(limit, expiry, counted=counted, oldest=float(oldest), now=now)
        return bool(acquired)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        now = time.time()
        try:
            oldest, counted = super().get_moving_window(key, limit, expiry)
        except redis.RedisError:
            oldest, counted = self._memory.get_moving_window(key, limit, expiry)
        _count_towards(limit, expiry, counted=counted, oldest=oldest, now=now)
        return oldest, counted

    def reset(self) -> int | None:
        self._memory.reset()
        return super().reset()


def install(app: Flask, settings: Settings) -> None:
    app.config.update(
        RATELIMIT_ENABLED=settings.ratelimit_enabled,
        RATELIMIT_STORAGE_URI=f"{_Counters.STORAGE_SCHEME[0]}://",
        RATELIMIT_STORAGE_OPTIONS={"client": _connect(settings)},
    )
    limiter.init_app(app)
    app.register_error_handler(RateLimitExceeded, _refuse)


def _connect(settings: Settings) -> redis.Redis:
    """The client of the counters, which shares the circuit of the other parts."""
    url = settings.redis_limits_url or settings.redis_url
    if url is None:
        return cache.client()
    return redis_client.connect(url, circuit=redis_client.circuit_of(cache.client()))


def _refuse(_: RateLimitExceeded) -> Response:
    current = limiter.current_limit
    return render(_too_many(current.reset_at if current else 0))


def _too_many(free_at: float) -> TooManyRequests:
    """free_at: seconds since the epoch."""
    wait = max(1, math.ceil(free_at - time.time()))
    return TooManyRequests(headers={"Retry-After": str(wait)})
