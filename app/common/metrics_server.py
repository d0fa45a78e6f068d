"""Serves the metrics of processes that serve no requests: the worker, and the live process."""

import hmac
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from app.common import metrics

_PATH: Final = "/metrics"
#: Scrapes at a time, and seconds that a client may be silent.
_MAX_CONNECTIONS: Final = 8
_SECONDS: Final = 5


def start(listener: socket.socket, token: str) -> None:
    """Serve `GET /metrics` in threads of this process, to clients that send the token.

    listener: as `app.common.listening.listen` returns it.
    """
    server = _Server(listener, token)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, token: str) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.token = token
        self._free = threading.BoundedSemaphore(_MAX_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that disconnects is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SECONDS
    server_version, sys_version = "PaymentFlow", ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != _PATH:
            self._respond(404, b"")
        elif not self._is_authorized():
            self._respond(401, b"")
        else:
            self._respond(200, metrics.exposition())

    def _is_authorized(self) -> bool:
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        is_equal = hmac.compare_digest(given.encode(), self.server.token.encode())
        return scheme.lower() == "bearer" and is_equal

    def _respond(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", metrics.MEDIA_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Scrapes are no news."""
