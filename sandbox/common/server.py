"""Serves a stand-in: one process, a thread per request, and its office beside them."""

import logging
import signal
import sys
import threading
from collections.abc import Callable

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.common.config import ConfigError
from sandbox.common.office import Office

_IDLE_SECONDS = 60


class _Handler(WSGIRequestHandler):
    """Writes no line per request, and leaves a silent connection after a while."""

    timeout = _IDLE_SECONDS

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Server:
    """A stand-in that listens; port 0 takes any free one. close: called when all has ended.

    Ends the program with a sentence when the port is taken.
    """

    def __init__(
        self, app: Flask, office: Office, *, host: str, port: int, close: Callable[[], None]
    ) -> None:
        self._office = office
        self._close = close
        self._http = make_server(host, port, app, threaded=True, request_handler=_Handler)
        self.address = f"http://{host}:{self._http.port}"

    def serve(self) -> None:
        """Answer until told to end, then close everything."""
        self._office.start()
        try:
            self._http.serve_forever(poll_interval=0.1)
        finally:
            self._http.server_close()
            self._office.stop()
            self._close()

    def end(self) -> None:
        """Have `serve` come back; may be called from anywhere, also from a signal's handler."""
        # In a thread: it waits for the very loop that a signal interrupts.
        threading.Thread(target=self._http.shutdown).start()


def run(name: str, make: Callable[[], Server]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. name: as people call it, such as `The bank`."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        server = make()
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"{name} cannot start: {error}\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.end())
    sys.stdout.write(f"{name} is open at {server.address}\n")
    sys.stdout.flush()
    server.serve()
    return 0
