"""Executes a request by the WSGI application (PEP 3333), in a thread, and sends the response."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from app.common.durations import ARRIVED_KEY
from app.server.connection import Connection, StreamedBody
from app.server.requests import Request

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]

#: A response of known length up to this size is collected before it is sent, so that no thread
#: waits for a client that reads slowly.
_MAX_COLLECTED_BYTES: Final = 2 * 1024 * 1024
#: Smaller bodies are copied behind the head, which costs less than a second system call.
_MAX_COPIED_BYTES: Final = 64 * 1024

_WITHOUT_BODY: Final = ("1", "204", "304")


class Aborted(Exception):
    """The response is incomplete: the connection must be closed."""


class Response:
    """What the application has passed to start_response."""

    status = ""
    headers: Headers

    def start(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[..., Any]:
        self.status, self.headers = status, headers
        return _refuse_write

    def length(self) -> int | None:
        for name, value in self.headers:
            if name.lower() == "content-length":
                return int(value)
        return None


def respond(
    application: Application,
    connection: Connection,
    request: Request,
    is_stopping: Callable[[], bool],
) -> list[memoryview]:
    """Execute the request. Returns what must still be sent when nothing could be sent at once.

    Afterwards `connection.keeps_alive` says whether further requests may follow.
    Raises Aborted, Lost, TooSlow.
    """
    response = Response()
    environ = _environ(connection, request)
    body = application(environ, response.start)
    try:
        parts = iter(body)
        first = next(parts, b"")  # the application may call start_response only now
        length = response.length()
        sends_body = request.method != "HEAD" and not response.status.startswith(_WITHOUT_BODY)
        connection.keeps_alive = (
            request.keep_alive
            and not is_stopping()
            and (request.is_complete or not request.is_streamed)
            and (length is not None or not sends_body or request.version == "1.1")
        )
        chunked = sends_body and length is None and request.version == "1.1"
        head = _head(response, connection, request, chunked=chunked)
        if not sends_body:
            return _send(connection, head, b"")
        if length is not None and length <= _MAX_COLLECTED_BYTES:
            if len(first) != length:
                first = b"".join((first, *parts))
            if len(first) != length:
                connection.keeps_alive = False
            return _send(connection, head, first)
        _stream(connection, head, first, parts, length=length, chunked=chunked)
        return []
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()


def _send(connection: Connection, head: bytes, body: bytes) -> list[memoryview]:
    if len(body) <= _MAX_COPIED_BYTES:
        rest = connection.send_at_once(head + body)
        return [rest] if rest else []
    rest = connection.send(memoryview(head))
    if rest:
        return [rest, memoryview(body)]
    rest = connection.send(memoryview(body))
    return [rest] if rest else []


def _stream(
    connection: Connection,
    head: bytes,
    first: bytes,
    parts: Iterator[bytes],
    *,
    length: int | None,
    chunked: bool,
) -> None:
    """Send a response while the application produces it."""
    sent = 0
    part: bytes | None = first
    prefix = head
    try:
        while part is not None:
            if part:
                data = b"%x\r\n%b\r\n" % (len(part), part) if chunked else part
                connection.send_all(prefix + data)
                prefix = b""
                sent += len(part)
            part = next(parts, None)
    except Exception as error:
        connection.keeps_alive = False
        raise Aborted from error
    connection.send_all(prefix + b"0\r\n\r\n" if chunked else prefix)
    if not chunked and sent != length:
        connection.keeps_alive = False


def _head(response: Response, connection: Connection, request: Request, *, chunked: bool) -> bytes:
    lines = [f"HTTP/1.1 {response.status}"]
    lines += [f"{name.lower()}: {value}" for name, value in response.headers]
    lines.append(_date(int(time.time())))
    if chunked:
        lines.append("transfer-encoding: chunked")
    if not connection.keeps_alive:
        lines.append("connection: close")
    elif request.version == "1.0":
        lines.append("connection: keep-alive")
    lines.append("\r\n")
    return "\r\n".join(lines).encode("latin-1")


@lru_cache(maxsize=1)
def _date(seconds: int) -> str:
    return f"date: {formatdate(seconds, usegmt=True)}"


def refusal(status: str) -> bytes:
    """A complete response to bytes that are no valid request, or came too slowly."""
    return f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()


def internal_error() -> bytes:
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return refusal(f"{status.value} {status.phrase}")


def _refuse_write(*_: Any) -> None:
    raise NotImplementedError("the application must return its body")


def _environ(connection: Connection, request: Request) -> dict[str, Any]:
    target = request.target
    if not target.startswith(b"/"):
        target = _without_authority(target)
    path, _, query = target.partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "REQUEST_URI": request.target.decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "SERVER_NAME": connection.server[0],
        "SERVER_PORT": str(connection.server[1]),
        "REMOTE_ADDR": connection.address[0],
        "REMOTE_PORT": str(connection.address[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": _body(connection, request),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        ARRIVED_KEY: request.arrived_at,
    }
    for name, value in request.headers:
        variable = _variable(name)
        if variable is None:
            continue
        text = value.decode("latin-1").strip(" \t")
        if variable in environ:
            separator = "; " if variable == "HTTP_COOKIE" else ","
            text = f"{environ[variable]}{separator}{text}"
        environ[variable] = text
    return environ


def _body(connection: Connection, request: Request) -> Any:
    if request.is_streamed:
        return StreamedBody(connection, request)
    return BytesIO(b"".join(request.body))


def _without_authority(target: bytes) -> bytes:
    """The path and query of an absolute target, as sent to proxies (RFC 9112, 3.2.2)."""
    _, separator, rest = target.partition(b"://")
    if not separator:
        return target
    slash = rest.find(b"/")
    return rest[slash:] if slash >= 0 else b"/"


@lru_cache(maxsize=512)
def _variable(name: bytes) -> str | None:
    """The variable of a header, or None if it must not have one: `X_Forwarded_For` would be taken
    for `X-Forwarded-For`, which proxies replace."""
    if b"_" in name:
        return None
    variable = name.decode("latin-1").upper().replace("-", "_")
    return variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}"
