"""Serves a simulator: one process, with a thread per request and a background worker."""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.common.config import ConfigError
from sandbox.common.simulator import Simulator

_IDLE_TIMEOUT_SECONDS = 60


class _Handler(WSGIRequestHandler):
    """Logs no requests, and closes idle connections."""

    timeout = _IDLE_TIMEOUT_SECONDS

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Server:
    """Listens at the host and port of the simulator's configuration; port 0 takes any free one."""

    def __init__(self, app: Flask) -> None:
        self.simulator: Simulator[Any] = app.extensions["simulator"]
        config = self.simulator.config
        self._http = make_server(
            config.host, config.port, app, threaded=True, request_handler=_Handler
        )
        self.address = f"http://{config.host}:{self._http.port}"

    def serve(self) -> None:
        """Serve until `shut_down` is called, then close everything."""
        self.simulator.worker.start()
        try:
            self._http.serve_forever(poll_interval=0.1)
        finally:
            self._http.server_close()
            self.simulator.worker.stop()
            self.simulator.store.close()

    def shut_down(self) -> None:
        """Make `serve` return; may be called from any thread and from a signal handler."""
        # In a thread, because it waits for the loop that the signal handler interrupts.
        threading.Thread(target=self._http.shutdown).start()


def run(name: str, create_app: Callable[[], Flask]) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code. name: such as `The bank`."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        server = Server(create_app())
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"{name} cannot start: {error}\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.shut_down())
    sys.stdout.write(f"{name} is listening at {server.address}\n")
    sys.stdout.flush()
    server.serve()
    return 0
