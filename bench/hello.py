"""The fastest Flask application on this machine: one route, without our middleware.

PORT=8000 WEB_WORKERS=2 python -m bench.hello
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces

from app.common.settings import Settings
from app.local.processes import free_port
from app.server import allow_connections
from bench.stage import Stage, web_server

app = Flask("hello", static_folder=None)


@app.get("/")
def hello() -> dict[str, str]:
    return {"hello": "world"}


def serve() -> None:
    """As app/server.py does."""
    settings = Settings()
    Granian(
        "bench.hello:app",
        address="127.0.0.1",
        port=int(os.environ["PORT"]),
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=int(os.environ["WEB_WORKERS"]),
        blocking_threads=settings.web_threads,
        backpressure=allow_connections(settings),
        websockets=False,
        log_access=False,
    ).serve()


@contextmanager
def bare(stage: Stage) -> Iterator[Stage]:
    """The stage with this application in place of ours."""
    port = free_port()
    environment = stage.environment | {"PORT": str(port)}
    command = [sys.executable, "-m", "bench.hello"]
    with (
        TemporaryDirectory() as folder,
        web_server(command, environment, "/", Path(folder)) as web,
    ):
        yield replace(stage, port=port, web=web)


if __name__ == "__main__":
    serve()
