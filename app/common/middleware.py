"""WSGI middleware for every request: request ID, security headers, request log and counts.

It wraps Flask instead of using its hooks, because these cost four times as much as the work
itself.
"""

import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog
from flask import request

from app.common import deadline, request_counts, route_metrics, tracing
from app.common.durations import ARRIVED_KEY
from app.common.ids import new_id

log = structlog.get_logger()

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_REQUEST_ID_KEY: Final = "payment_flow.request_id"
_USER_ID_KEY: Final = "payment_flow.user_id"
_LIMITS_KEY: Final = "payment_flow.limits"
#: A long random part of a path, such as the token of a link that authorizes its holder, even if
#: it was copied with surrounding punctuation; IDs are not secrets.
_SECRET_PART: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(?![0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-)[A-Za-z0-9_-]{22,}"
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")

#: Sent unless the response sets them, by name in lower case.
_HEADERS: Final = {
    "x-content-type-options": ("X-Content-Type-Options", "nosniff"),
    "x-frame-options": ("X-Frame-Options", "DENY"),
    "referrer-policy": ("Referrer-Policy", "no-referrer"),
    "content-security-policy": (
        "Content-Security-Policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    "cache-control": ("Cache-Control", "no-store"),
}
_HSTS: Final = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


def request_id() -> str:
    """The ID of the current request: the client's own if it is valid."""
    return request.environ[_REQUEST_ID_KEY]  # type: ignore[no-any-return]


def set_caller(user_id: str) -> None:
    """Set the caller of this request, for its log entry and rate limits."""
    request.environ[_USER_ID_KEY] = user_id


def caller_id() -> str:
    """The user ID that `set_caller` has set."""
    return request.environ[_USER_ID_KEY]  # type: ignore[no-any-return]


def caller_or_address() -> str:
    """The user ID of the caller, or their address if they are not authenticated."""
    return request.environ.get(_USER_ID_KEY) or request.remote_addr or ""


def request_began() -> float | None:
    """When the current request arrived, by `time.perf_counter`; None if that is not known."""
    return request.environ.get(ARRIVED_KEY)


def has_caller() -> bool:
    """Whether `set_caller` was called: not at endpoints that need no credential."""
    return _USER_ID_KEY in request.environ


def count_towards(quota: int, window: int, *, left: int, reset: int) -> None:
    """Set the headers of a limit that this request counts towards.

    quota: requests per window of so many seconds; left: how many of them are left; reset: seconds
    until there are more. Of equal limits, such as per caller and per address, the response tells
    the one that is nearer to its end.
    """
    limits = request.environ.setdefault(_LIMITS_KEY, {})
    state = max(left, 0), max(reset, 0)
    limits[quota, window] = min(state, limits.get((quota, window), state))


def _limit_headers(limits: dict[tuple[int, int], tuple[int, int]]) -> Headers:
    """https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"""
    policies, states = [], []
    for (quota, window), (left, reset) in sorted(limits.items()):
        name = f'"{quota}-in-{window}s"'
        policies.append(f"{name};q={quota};w={window}")
        states.append(f"{name};r={left};t={reset}")
    return [("RateLimit-Policy", ", ".join(policies)), ("RateLimit", ", ".join(states))]


class RequestMiddleware:
    """Adds request IDs, security headers, the request log and counts to a WSGI application."""

    def __init__(self, application: Wsgi) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.perf_counter()
        given_id = environ.get("HTTP_X_REQUEST_ID", "")
        id_of_request = given_id if _REQUEST_ID.fullmatch(given_id) else str(new_id())
        environ[_REQUEST_ID_KEY] = id_of_request
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=id_of_request)

        span = tracing.begin(environ.get("HTTP_TRACEPARENT"))

        def start(status: str, headers: Headers, *more: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            headers += [header for name, header in _HEADERS.items() if name not in given]
            headers.append(("X-Request-Id", id_of_request))
            if limits := environ.get(_LIMITS_KEY):
                headers += _limit_headers(limits)
            if environ["wsgi.url_scheme"] == "https":
                headers.append(_HSTS)
            seconds = time.perf_counter() - started
            # From its arrival, before a thread was free for it.
            took, code = seconds + started - environ.get(ARRIVED_KEY, started), int(status[:3])
            request_counts.observe(environ, seconds=took, status=code)
            route_metrics.observe(environ, seconds=took, status=code)
            if span is not None:
                _end(span, environ, status=code)
            # Probes arrive every few seconds, and are no news while they succeed.
            is_news = not (environ["PATH_INFO"].startswith("/health/") and status.startswith("2"))
            (log.info if is_news else log.debug)(
                "request",
                method=environ["REQUEST_METHOD"],
                path=public_path(_readable(environ["PATH_INFO"])),
                status=code,
                ms=round(seconds * 1000, 1),
                user_id=environ.get(_USER_ID_KEY),
            )
            return start_response(status, headers, *more)

        deadline.begin()
        try:
            return self._application(environ, start)
        finally:
            deadline.clear()


def _end(span: tracing.Span, environ: Environ, *, status: int) -> None:
    """End the span of a request whose response begins."""
    method = environ["REQUEST_METHOD"]
    rule = route_metrics.template(environ)
    route = route_metrics.readable(rule) if rule is not None else None
    span.name = method if route is None else f"{method} {route}"
    span.attributes = {
        "http.request.method": method,
        "http.response.status_code": status,
        "payment_flow.request_id": environ[_REQUEST_ID_KEY],
        **({} if route is None else {"http.route": route}),
    }
    span.has_failed = status >= 500
    tracing.end(span)


def public_path(path: str) -> str:
    """A path for logs and error bodies, with secret parts redacted."""
    return _SECRET_PART.sub("[redacted]", path)


def _readable(path: str) -> str:
    """Decode a path, which WSGI passes as Latin-1 (PEP 3333)."""
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")
