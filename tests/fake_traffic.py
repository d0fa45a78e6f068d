"""A traffic simulator that makes nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from uuid import UUID

from tests.http_server import listening

STATUS = {
    "interval": 2000,
    "made": 5,
    "approved": 3,
    "declined": 1,
    "underReview": 1,
    "failed": 0,
}
MADE = {
    "userId": str(UUID(int=7)),
    "amount": "17.50",
    "currency": "USD",
    "outcome": "APPROVED",
}


@contextmanager
def fake_traffic() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Its address, and the requests that it has received, by path with their body."""
    received: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"] or 0))))
            body = json.dumps(MADE if self.path == "/once" else STATUS).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 – as the library calls them

        def log_message(self, *_: object) -> None:
            pass

    with listening(Handler) as address:
        yield address, received
