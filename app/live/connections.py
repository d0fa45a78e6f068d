"""What the live process allows a connection: how many, for how long, and how much unsent data.

uvicorn does not limit the time of an incomplete request, nor the connections of an address. Both of
its protocols are subclassed here, and know the table of all connections.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, cast

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from app.common.networks import network_of
from app.common.process_state import Slot

#: For the head of a request, and for its body.
REQUEST_SECONDS: Final = 10.0
#: How long a client may leave data unread that does not fit into the buffers of the kernel.
UNREAD_SECONDS: Final = 10.0
#: Unsent bytes of a connection. A stream that has more when something is added is dropped.
MAX_UNSENT_BYTES: Final = 64 * 1024
#: Of a request with its body, and of what else is sent before its response.
MAX_REQUEST_BYTES: Final = 32 * 1024
#: Of a message over a WebSocket, whose clients have nothing to say.
MAX_MESSAGE_BYTES: Final = 4096

_FULL: Final = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nRetry-After: 30\r\n"
    b"Connection: close\r\n\r\n"
)

_log = structlog.get_logger()


@dataclass
class Connections:
    """The open connections. per_address: maximum of one client; None: unlimited."""

    total: int
    per_address: int | None
    _open: Counter[str] = field(default_factory=Counter)

    def admit(self, address: str) -> bool:
        """Count a new connection, unless there are too many."""
        group = network_of(address)
        if self._open.total() >= self.total:
            return False
        if self.per_address is not None and self._open[group] >= self.per_address:
            return False
        self._open[group] += 1
        return True

    def leave(self, address: str) -> None:
        """A connection that was admitted has ended."""
        group = network_of(address)
        self._open[group] -= 1
        if not self._open[group]:
            del self._open[group]


#: The connections of this process.
connections: Final[Slot[Connections]] = Slot("live connections")


class _Paced(asyncio.Protocol):
    """A protocol whose client is disconnected if it does not read.

    The application finds it in `scope["state"]["connection"]`.
    """

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    app_state: dict[str, Any]
    _unread: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self.app_state = {**self.app_state, "connection": self}
        self.transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES, low=0)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.drop, "it does not read")

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read_again()

    def _read_again(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def push(self, data: bytes) -> None:
        """Send bytes of the protocol without waiting. Drops a client that is too far behind."""
        if self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.drop("it reads too slowly")
        else:
            self.transport.write(data)

    def drop(self, reason: str) -> None:
        """Close the connection at once, with what has not been sent."""
        if not self.transport.is_closing():
            _log.info("live_connection_dropped", reason=reason)
        self.transport.abort()


class HttpConnection(_Paced, HttpToolsProtocol):
    """An HTTP connection with a limit for incomplete requests."""

    _address: str | None = None
    _deadline: asyncio.TimerHandle | None = None
    #: Bytes since the last response.
    _received = 0
    #: Whether it has a response without an end.
    is_endless = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)
        super().connection_made(transport)
        self.begin()
        address = self.client[0] if self.client else ""
        if connections().admit(address):
            self._address = address
            self._watch()
        else:
            transport.write(_FULL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._received += len(data)
        if self._received > MAX_REQUEST_BYTES:
            self.drop("it sends too much")
            return
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        self._received = 0
        super().on_response_complete()

    def connection_lost(self, error: Exception | None) -> None:
        self._read_again()
        self._complete()
        super().connection_lost(error)
        self._end()

    def handle_websocket_upgrade(self) -> None:
        """The address goes on being counted, by the protocol that takes over."""
        self._complete()
        self.app_state = {**self.app_state, "address": self._address}
        self._address = None
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        if self.is_endless:
            self.transport.close()
        else:
            super().shutdown()

    def _end(self) -> None:
        if self._address is not None:
            connections().leave(self._address)
            self._address = None

    def _watch(self) -> None:
        """Limit the time for what the client still has to send."""
        cycle: RequestResponseCycle | None = self.cycle
        if self.transport.get_protocol() is not self:
            return
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            self._complete()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self._expire)

    def _complete(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        self.transport.abort()


class WebSocketConnection(_Paced, WSProtocol):
    """A WebSocket, which uvicorn pings, and disconnects without an answer."""

    _address: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._address = self.app_state.get("address")
        super().connection_made(transport)
        self.begin()

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except ValueError:  # of wsproto: a header or a frame is not valid text
            self.drop("it violates the protocol")

    def connection_lost(self, error: Exception | None) -> None:
        self._read_again()
        if self._address is not None:
            connections().leave(self._address)
            self._address = None
        super().connection_lost(error)

    def push(self, data: bytes) -> None:
        if not self.close_sent:
            super().push(data)
