"""One connection of a client: its socket, its requests, and until when it may stay."""

import ctypes
import errno
import select
import socket
import threading
from collections import deque
from contextlib import suppress
from io import RawIOBase
from math import inf
from typing import Any, Final

from app.common.errors import BodyTooSlow
from app.common.networks import network_of
from app.server.pace import Pace, TooSlow
from app.server.requests import Malformed, Request, RequestReader

RECEIVE_BYTES: Final = 64 * 1024

# These calls never wait for the peer, so they keep the interpreter lock. A thread that releases it
# has to wait for all others that want it, a hundred times as long as the call takes.
_LIBC: Final = ctypes.PyDLL(None, use_errno=True)
_recv, _send = _LIBC.recv, _LIBC.send
_recv.argtypes = _send.argtypes = [
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.c_int,
]
_recv.restype = _send.restype = ctypes.c_ssize_t
_WOULD_WAIT: Final = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)

_buffers: Final = threading.local()

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Lost(Exception):
    """The connection ended before the response was sent."""


class Connection:
    """The state that the event loop and the thread of a request share.

    address, server: of the client and of this end.
    busy: its requests are being executed. The event loop sets it, and the thread clears it under
    `lock` when no request is left in `ready`. Only the thread of a busy connection executes its
    requests, and only the event loop registers and closes sockets.
    deadline: by the monotonic clock, when the event loop closes it; infinite while a request runs.
    since: when it began to wait for its client. group: connections of the same client have the
    same. has_ended: the client sends nothing more. is_closing: the last response has been sent.
    is_paused: the event loop does not read, because a thread does or because enough requests have
    been received. unsent: the rest of a response that the event loop sends, because the client
    reads slowly. watched: the events that the selector reports.
    """

    __slots__ = (
        "address",
        "busy",
        "deadline",
        "group",
        "has_ended",
        "is_closed",
        "is_closing",
        "is_paused",
        "keeps_alive",
        "lock",
        "pace",
        "reader",
        "ready",
        "server",
        "since",
        "socket",
        "unsent",
        "watched",
    )

    def __init__(self, client: socket.socket, address: tuple[Any, ...], *, rate: int) -> None:
        self.socket = client
        self.address = address
        self.server: tuple[Any, ...] = ("", 0)
        with suppress(OSError):  # it has gone already
            self.server = client.getsockname()
        self.reader = RequestReader()
        self.ready: deque[Request] = deque()
        self.lock = threading.Lock()
        self.busy = self.has_ended = self.is_closed = self.is_closing = self.is_paused = False
        self.keeps_alive = True
        self.since = 0.0
        self.deadline = inf
        self.group = network_of(address[0])
        self.pace = Pace(rate)
        self.unsent: deque[memoryview] = deque()
        self.watched = 0

    def receive(self) -> bytes | None:
        """What has arrived; empty at the end of the stream, None if there is nothing yet."""
        try:
            buffer = _buffers.received
        except AttributeError:
            buffer = _buffers.received = ctypes.create_string_buffer(RECEIVE_BYTES)
        received = _recv(self.socket.fileno(), buffer, RECEIVE_BYTES, socket.MSG_DONTWAIT)
        if received < 0:
            return None if ctypes.get_errno() in _WOULD_WAIT else b""
        return ctypes.string_at(buffer, received)

    def send(self, data: memoryview) -> memoryview:
        """Send as much as possible without waiting. Returns the rest. Raises Lost."""
        while data:
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                break
            except OSError as error:
                raise Lost from error
            self.pace.moved(sent)
            data = data[sent:]
        return data

    def send_at_once(self, data: bytes) -> memoryview:
        """As `send`, with a single call, for a few kilobytes, which usually fit into its buffer."""
        sent = _send(self.socket.fileno(), data, len(data), socket.MSG_DONTWAIT)
        if sent < 0:
            if ctypes.get_errno() not in _WOULD_WAIT:
                raise Lost
            sent = 0
        self.pace.moved(sent)
        return memoryview(data)[sent:]

    def send_all(self, data: bytes) -> None:
        """Send all of it, and wait for the client as needed. Raises Lost, TooSlow."""
        rest = self.send(memoryview(data))
        while rest:
            self.pace.wait(self.socket.fileno(), select.POLLOUT)
            rest = self.send(rest)

    def shut_down(self) -> None:
        """Tell the client that nothing follows."""
        with suppress(OSError):  # it has gone already
            self.socket.shutdown(socket.SHUT_WR)


class StreamedBody(RawIOBase):
    """A large request body, which the thread of its request receives."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self._connection = connection
        self._request = request

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """0 at the end of the body, and if the connection was lost. Raises BodyTooSlow."""
        parts = self._request.body
        if not parts:
            self._receive()
        if not parts:
            return 0
        part = parts.popleft()
        size = min(len(part), len(buffer))
        buffer[:size] = part[:size]
        if size < len(part):
            parts.appendleft(part[size:])
        return size

    def _receive(self) -> None:
        """Receive until there is a part of the body, or it has ended."""
        connection, request = self._connection, self._request
        if request.expects_continue:
            request.expects_continue = False
            connection.send(memoryview(_CONTINUE))
        while not request.body and not request.is_complete:
            data = connection.receive()
            if data is None:
                try:
                    connection.pace.wait(connection.socket.fileno(), select.POLLIN)
                except TooSlow:
                    raise BodyTooSlow from None
                continue
            if not data:
                return
            connection.pace.moved(len(data))
            try:
                connection.ready.extend(connection.reader.feed(data))
            except Malformed:
                return


def invite_body(connection: Connection, request: Request) -> None:
    """Answer `Expect: 100-continue` of a request whose body has not arrived."""
    if request.expects_continue:
        request.expects_continue = False
        with suppress(Lost):  # the event loop notices as well
            connection.send(memoryview(_CONTINUE))
