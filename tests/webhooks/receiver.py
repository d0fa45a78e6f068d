"""An endpoint of the tests: real HTTP in threads, with configurable answers."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks import Webhook

from tests.http_server import listening


@dataclass(frozen=True)
class Received:
    """A request as it arrived. at: by time.monotonic()."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """The body, verified by the official library."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """Records what it receives.

    answers: to the next requests, instead of 200: a status, a status with headers and a body, or
    HANG until the receiver is closed; always: the answer after these.
    """

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: deque[Any] = field(default_factory=deque)
    always: Any = 200
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> list[str]:
        return [request.message_id for request in self.received]

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["Receiver"]:
        receiver = cls()
        with listening(type("Handler", (_Handler,), {"receiver": receiver})) as receiver.url:
            try:
                yield receiver
            finally:
                receiver.closed.set()


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        receiver = self.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.received.append(Received(self.path, headers, body, time.monotonic()))
        answer = receiver.answers.popleft() if receiver.answers else receiver.always
        if answer == "HANG":
            receiver.closed.wait(30)
            self.close_connection = True
            return
        status, sent, content = (answer, {}, b"ok") if isinstance(answer, int) else answer
        self.send_response(status)
        for name, value in sent.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""
