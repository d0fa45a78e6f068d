"""Requests as they arrive, parsed by llhttp, the parser of Node.js."""

import time
from collections import deque
from typing import Final

import httptools

from app.common.body_limit import MAX_BODY_BYTES

#: Bytes of request line and headers together.
MAX_HEAD_BYTES: Final = 64 * 1024

_VERSIONS: Final = ("1.0", "1.1")

Header = tuple[bytes, bytes]


class Malformed(Exception):
    """The bytes are no valid request. status: of the response, after which nothing is read."""

    def __init__(self, status: str = "400 Bad Request") -> None:
        super().__init__(status)
        self.status = status


class Request:
    """A request whose head is complete. target: of the request line, not decoded.

    arrived_at: when it was complete, or its head if it is streamed, by `time.perf_counter`.
    body: the parts received so far and not yet taken. is_streamed: the body is too large to be
    received before the application is called.
    """

    __slots__ = (
        "arrived_at",
        "body",
        "expects_continue",
        "headers",
        "is_complete",
        "is_streamed",
        "keep_alive",
        "method",
        "received",
        "target",
        "version",
    )

    def __init__(self) -> None:
        self.method = self.version = ""
        self.target = b""
        self.headers: list[Header] = []
        self.body: deque[bytes] = deque()
        self.received = 0
        self.arrived_at = 0.0
        self.keep_alive = self.expects_continue = self.is_complete = self.is_streamed = False


class RequestReader:
    """Turns the bytes of a connection into requests."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._head_bytes = 0
        self._ready: list[Request] = []
        self._arriving: Request | None = None  # its head is not complete
        #: The request whose body is being received.
        self.open: Request | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no part of a request has arrived."""
        return self._arriving is None and self.open is None

    def feed(self, data: bytes) -> list[Request]:
        """The requests that can be executed now: complete ones, and a large one as soon as its head
        is complete; the parts of its body are added to it. Raises Malformed."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            raise Malformed("501 Not Implemented") from error
        except httptools.HttpParserError as error:
            raise Malformed from error
        if self._arriving is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                raise Malformed("431 Request Header Fields Too Large")
        request = self.open
        if request is not None and not request.is_streamed and self._is_large(request):
            request.is_streamed = True
            request.arrived_at = time.perf_counter()
            self._ready.append(request)
        ready, self._ready = self._ready, []
        return ready

    def _without_upgrade(self, rest: bytes) -> list[Request]:
        """Parse a request again that offers another protocol: the offer is ignored (RFC 9110, 7.8),
        but the parser takes what follows the head for that protocol."""
        request = self._arriving or self.open
        if request is None or request.method == "CONNECT":
            raise Malformed
        lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.target)]
        kept = [header for header in request.headers if header[0].lower() != b"upgrade"]
        lines += [b"%s: %s" % header for header in kept]
        self._parser = httptools.HttpRequestParser(self)
        self._arriving = self.open = None
        return self.feed(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    @staticmethod
    def _is_large(request: Request) -> bool:
        if request.received > MAX_BODY_BYTES:
            return True
        for name, value in request.headers:
            if name.lower() == b"content-length":
                return int(value) > MAX_BODY_BYTES
        return False

    # Called by the parser, which ends `feed_data` with an error if they raise one.

    def on_message_begin(self) -> None:
        self._arriving = Request()
        self._head_bytes = 0

    def on_url(self, part: bytes) -> None:
        if self._arriving is not None:
            self._arriving.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        request = self._arriving
        if request is None:
            return  # a trailer, which nothing needs
        lower = name.lower()
        if lower == b"expect":
            request.expects_continue = value.strip().lower() == b"100-continue"
        elif lower == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise ValueError("unknown transfer coding")
        request.headers.append((name, value))

    def on_headers_complete(self) -> None:
        request, self._arriving = self._arriving, None
        if request is not None:
            request.method = self._parser.get_method().decode("ascii")
            request.version = self._parser.get_http_version()
            if request.version not in _VERSIONS:
                raise ValueError("unknown version")
            request.keep_alive = self._parser.should_keep_alive()
        self.open = request

    def on_body(self, part: bytes) -> None:
        if self.open is not None:
            self.open.body.append(part)
            self.open.received += len(part)

    def on_message_complete(self) -> None:
        request = self.open
        if request is None or self._parser.should_upgrade():
            return
        self.open = None
        request.is_complete = True
        if not request.is_streamed:
            request.arrived_at = time.perf_counter()
            self._ready.append(request)
