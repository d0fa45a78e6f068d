"""What every request and every answer carries: an id, headers that browsers heed, a log line.

Around Flask instead of inside it, because hooks of Flask cost four times as much here as the work
that they do.
"""

import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog
from flask import request

from app.common.db import new_id

log = structlog.get_logger()

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_REQUEST_ID_KEY: Final = "payment_flow.request_id"
_USER_ID_KEY: Final = "payment_flow.user_id"
#: A part of a path that is long and random, such as the end of a link that lets its holder act,
#: also one that was copied with the punctuation around it; ids are not secrets.
_SECRET_PART: Final = re.compile(
    r"(?<![A-Za-z0-9_-])(?![0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-)[A-Za-z0-9_-]{22,}"
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")

#: Sent unless the answer says otherwise, by name in lower case.
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
    """The id of the request under way: the caller's own if it can be one."""
    return request.environ[_REQUEST_ID_KEY]  # type: ignore[no-any-return]


def name_caller(user_id: str) -> None:
    """Have the log and the rate limits of this request know who called."""
    request.environ[_USER_ID_KEY] = user_id


def caller_name() -> str:
    """The caller as `name_caller` named them."""
    return request.environ[_USER_ID_KEY]  # type: ignore[no-any-return]


class Envelope:
    """Wraps a WSGI application."""

    def __init__(self, application: Wsgi) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.perf_counter()
        given_id = environ.get("HTTP_X_REQUEST_ID", "")
        known_as = given_id if _REQUEST_ID.fullmatch(given_id) else str(new_id())
        environ[_REQUEST_ID_KEY] = known_as
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=known_as)

        def start(status: str, headers: Headers, *more: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            headers += [header for name, header in _HEADERS.items() if name not in given]
            headers.append(("X-Request-Id", known_as))
            if environ["wsgi.url_scheme"] == "https":
                headers.append(_HSTS)
            log.info(
                "request",
                method=environ["REQUEST_METHOD"],
                path=public_path(_readable(environ["PATH_INFO"])),
                status=int(status[:3]),
                ms=round((time.perf_counter() - started) * 1000, 1),
                user_id=environ.get(_USER_ID_KEY),
            )
            return start_response(status, headers, *more)

        return self._application(environ, start)


def public_path(path: str) -> str:
    """A path as it may be written down: without what lets its holder act."""
    return _SECRET_PART.sub("[redacted]", path)


def _readable(path: str) -> str:
    """WSGI hands bytes over as if each were a character (PEP 3333)."""
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")
