"""Requests to webhook endpoints, and the only place that makes them. Never in a transaction.

Each request connects to an address that was checked immediately before, follows no redirect, uses
no proxy and no cookie, and ends within a time limit, however slowly the endpoint answers.
"""

import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from app import VERSION
from app.common import clock
from app.webhooks.addresses import (
    AddressRefused,
    Target,
    UrlInvalid,
    checked_addresses,
    parse_url,
)

#: Seconds for a whole attempt, and to connect to one of the addresses.
SECONDS: Final = 15.0
_CONNECT_SECONDS: Final = 5.0
#: What is read of a response; the connection is closed after it.
_MAX_RESPONSE_BYTES: Final = 64 * 1024
_EXCERPT_LENGTH: Final = 500
_MAX_RETRY_AFTER: Final = timedelta(hours=24)
_GONE: Final = 410
_TOO_SLOW: Final = f"No complete response within {SECONDS:.0f} seconds."
_USER_AGENT: Final = f"PaymentFlow-Webhooks/{VERSION}"


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended.

    status_code: None without a response; error: one sentence, None if it succeeded; excerpt: the
    beginning of the response; retry_after: how long the endpoint asks to wait.
    """

    duration: timedelta
    status_code: int | None = None
    error: str | None = None
    excerpt: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        return self.error is None

    @property
    def is_gone(self) -> bool:
        return self.status_code == _GONE


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    body: bytes
    retry_after: str | None


class _NoResponse(Exception):
    """Why there was no response, in one sentence."""


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = SECONDS) -> Answer:
    """Send a body to a URL. Raises nothing: the answer says what failed."""
    begun = time.monotonic()
    try:
        response = _post(parse_url(url), body, headers, ends_at=begun + seconds)
    except (UrlInvalid, AddressRefused) as error:
        return Answer(_since(begun), error=f"Not sent: {error}")
    except _NoResponse as error:
        return Answer(_since(begun), error=str(error))
    return Answer(
        _since(begun),
        response.status,
        _error_of(response.status),
        _excerpt(response.body),
        _parse_retry_after(response.retry_after),
    )


def _since(begun: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - begun)


def _post(target: Target, body: bytes, headers: Mapping[str, str], *, ends_at: float) -> _Response:
    """Raises AddressRefused, _NoResponse."""
    sent = {
        "Host": target.host_header,
        "User-Agent": _USER_AGENT,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }
    connection = _connected(target, checked_addresses(target), ends_at=ends_at)
    # Limits on each part alone would let an endpoint send one byte at a time for ever.
    cut = threading.Timer(max(ends_at - time.monotonic(), 0), _shut_down, [connection.sock])
    cut.daemon = True
    cut.start()
    try:
        connection.request("POST", target.path, body=body, headers=sent, preload_content=False)
        response = connection.getresponse()
        content = _read(response)
        if time.monotonic() >= ends_at:
            raise _NoResponse(_TOO_SLOW)  # a head that was cut off could pass for a whole one
        return _Response(response.status, content, response.headers.get("Retry-After"))
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise _NoResponse(_reason(error, ends_at)) from error
    except Exception as error:  # http.client.HTTPException: what was sent is not HTTP
        if not type(error).__module__.startswith("http."):
            raise
        raise _NoResponse(_reason(error, ends_at)) from error
    finally:
        cut.cancel()
        connection.close()


def _connected(target: Target, addresses: Sequence[str], *, ends_at: float) -> HTTPConnection:
    """A connection to the first of the addresses that accepts one. Raises _NoResponse."""
    problem = "No address answered."
    for address in addresses:
        seconds = min(ends_at - time.monotonic(), _CONNECT_SECONDS)
        if seconds <= 0:
            break
        connection = _connection(target, address, seconds)
        try:
            connection.connect()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            connection.close()
            problem = _reason(error, ends_at)
            continue
        # Of everything that follows. urllib3 sets it on the socket with each step.
        connection.timeout = max(ends_at - time.monotonic(), 0.001)
        return connection
    raise _NoResponse(problem)


def _connection(target: Target, address: str, seconds: float) -> HTTPConnection:
    """A connection to an address, which has to have a certificate of the host."""
    if not target.is_https:
        return HTTPConnection(address, target.port, timeout=seconds)
    return HTTPSConnection(
        address,
        target.port,
        timeout=seconds,
        server_hostname=target.host,
        cert_reqs="CERT_REQUIRED",
    )


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    content = bytearray()
    while len(content) < _MAX_RESPONSE_BYTES:
        part = response.read1(_MAX_RESPONSE_BYTES - len(content))
        if not part:
            break
        content += part
    return bytes(content)


def _shut_down(sock: socket.socket | None) -> None:
    """End a connection on which another thread waits."""
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _reason(error: BaseException, ends_at: float) -> str:
    text = str(error).lower()
    if time.monotonic() >= ends_at or "timed out" in text:
        return _TOO_SLOW
    if "certificate" in text or "ssl" in text:
        return "The certificate or the TLS connection is not valid."
    if "refused" in text:
        return "The connection was refused."
    return "The connection was lost, or what was sent is not HTTP."


def _error_of(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"Redirected with {status}, which is not followed."
    return f"Answered with {status}."


def _excerpt(body: bytes) -> str | None:
    """The beginning of a response as text for people and PostgreSQL."""
    text = body[: 4 * _EXCERPT_LENGTH].decode(errors="replace")
    shown = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
    return shown[:_EXCERPT_LENGTH] or None


def _parse_retry_after(value: str | None) -> timedelta | None:
    """RFC 9110, 10.2.3: seconds, or a date."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        seconds = min(int(value.strip()[:9]), int(_MAX_RETRY_AFTER.total_seconds()))
        return timedelta(seconds=seconds)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    wait = moment - clock.now()
    return min(max(wait, timedelta(0)), _MAX_RETRY_AFTER)
