"""A minimal Flask application for comparison: one route, without our middleware.

PORT=8000 WEB_WORKERS=2 python -m bench.hello
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask

from app.common.listening import listen
from app.common.settings import load_settings
from app.local.processes import free_port
from app.server import run
from bench.servers import Servers, web_server

app = Flask("hello", static_folder=None)


@app.get("/")
def hello() -> dict[str, str]:
    return {"hello": "world"}


def serve() -> None:
    """Serve with the same configuration as app/server.py."""
    settings = load_settings()
    run(app, listen(settings.host, settings.port), settings)


@contextmanager
def bare(servers: Servers) -> Iterator[Servers]:
    """The servers, with this application instead of ours."""
    port = free_port()
    environment = servers.environment | {"PORT": str(port)}
    command = [sys.executable, "-m", "bench.hello"]
    with (
        TemporaryDirectory() as folder,
        web_server(command, environment, "/", Path(folder)) as web,
    ):
        yield replace(servers, port=port, web=web)


if __name__ == "__main__":
    serve()
