"""The event loop in a thread of the tests, with a WSGI application of theirs."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.common.listening import listen
from app.server.event_loop import EventLoop
from app.server.limits import Limits

Environ = dict[str, Any]

#: Lenient, so that each test restricts only what it is about.
LIMITS = {
    "connections": 1000,
    "per_address": None,
    "request_seconds": 20.0,
    "rate": 1,
    "threads": 2,
}


def echo(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with the method, the path and the body."""
    body = environ["wsgi.input"].read()
    text = b"%s %s %s" % (
        environ["REQUEST_METHOD"].encode(),
        environ["PATH_INFO"].encode("latin-1"),
        body if len(body) < 100 else b"%d" % len(body),
    )
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text]


@dataclass
class Serving:
    """A running event loop. The address of its clients is chosen by `connect`."""

    port: int
    loop: EventLoop
    thread: threading.Thread
    cleanup: ExitStack = field(default_factory=ExitStack)

    def connect(self, address: str = "127.0.0.1") -> socket.socket:
        client = socket.create_connection(
            ("127.0.0.1", self.port), timeout=20, source_address=(address, 0)
        )
        return self.cleanup.enter_context(client)

    def send(self, data: bytes, address: str = "127.0.0.1") -> socket.socket:
        """A new connection on which `data` has been sent."""
        client = self.connect(address)
        client.sendall(data)
        return client

    def get(self, path: str = "/", address: str = "127.0.0.1") -> bytes:
        """The body of the response to a request over a new connection."""
        return receive(self.send(request(path), address))[1]


@contextmanager
def serving(application: Callable[..., Iterable[bytes]] = echo, **limits: Any) -> Iterator[Serving]:
    """Serve the application until the block ends."""
    listener = listen("127.0.0.1", 0)
    # Otherwise the kernel takes megabytes of a response for a client that does not read.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
    loop = EventLoop(application, listener, Limits(**(LIMITS | limits)))
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    server = Serving(listener.getsockname()[1], loop, thread)
    try:
        with server.cleanup:
            yield server
    finally:
        loop.stop()
        thread.join(10)
        assert not thread.is_alive()


def request(path: str = "/", *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    if body:
        headers = (*headers, f"Content-Length: {len(body)}")
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def receive(client: socket.socket, method: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
    """The next response on a connection, and its body."""
    response = http.client.HTTPResponse(client, method=method)
    response.begin()
    return response, response.read()


def is_closed(client: socket.socket) -> bool:
    """Whether the server closes the connection within 20 seconds."""
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def wait_until(condition: Callable[[], object], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "The condition was not met in time."
        time.sleep(0.01)
