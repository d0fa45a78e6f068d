"""Serves the bank: one process, a thread per request, and the back office beside them."""

import threading

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.bank.app import create_app
from sandbox.bank.bank import Bank
from sandbox.bank.config import Config

_IDLE_SECONDS = 60


class _Handler(WSGIRequestHandler):
    """Writes no line per request, and leaves a silent connection after a while."""

    timeout = _IDLE_SECONDS

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Server:
    """A bank that listens; port 0 of the configuration takes any free one.

    Ends the program with a sentence when the port is taken.
    """

    def __init__(self, config: Config) -> None:
        app = create_app(config)
        self.bank: Bank = app.extensions["bank"]
        self._http = make_server(
            config.host, config.port, app, threaded=True, request_handler=_Handler
        )
        self.address = f"http://{config.host}:{self._http.port}"

    def serve(self) -> None:
        """Answer until told to end, then close everything."""
        self.bank.office.start()
        try:
            self._http.serve_forever(poll_interval=0.1)
        finally:
            self._http.server_close()
            self.bank.close()

    def end(self) -> None:
        """Have `serve` come back; may be called from anywhere, also from a signal's handler."""
        # In a thread: it waits for the very loop that a signal interrupts.
        threading.Thread(target=self._http.shutdown).start()
