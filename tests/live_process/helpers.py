"""A live process, and clients of its streams."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from app.common.db import transaction
from app.common.settings import PROJECT_ROOT, Settings
from app.events.sinks import StoredEvent
from app.insights.transactions.handler import handle
from tests.live import Api, wait_until
from tests.ports import unused_port
from tests.servers import TestDatabase


@dataclass(frozen=True)
class LiveProcess(Api):
    """A running live process. pid: of its only process."""

    pid: int
    log: Path

    @classmethod
    @contextmanager
    def start(
        cls, settings: Settings, database: TestDatabase, **variables: str
    ) -> Iterator["LiveProcess"]:
        port = unused_port()
        environment = os.environ | {
            "APP_ENV": "test",
            "DATABASE_URL": database.app_url,
            "REDIS_URL": str(settings.redis_url),
            "DATA_DIR": str(settings.data_dir),
            "LIVE_PORT": str(port),
            "PYTHONPATH": str(PROJECT_ROOT),
            **variables,
        }
        log = Path(str(settings.data_dir)) / f"live-process-{port}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "live"],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
            )
        live = cls(f"http://127.0.0.1:{port}", process.pid, log)
        try:
            wait_until(lambda: process.poll() is not None or live.is_ready(), seconds=60)
            assert process.poll() is None, log.read_text()[-2000:]
            yield live
        finally:
            process.terminate()
            process.wait(15)

    def is_ready(self) -> bool:
        try:
            return self.call("GET", "/api/health").status == 200
        except OSError:
            return False

    @property
    def streams(self) -> int:
        """Open streams."""
        count: int = self.call("GET", "/api/health").json["streams"]
        return count

    def pss(self) -> int:
        """Bytes of memory."""
        return int(psutil.Process(self.pid).memory_full_info().pss)

    @contextmanager
    def web_socket(self, path: str = "/stream", **options: Any) -> Iterator[ClientConnection]:
        """An open WebSocket, after its first message."""
        before = self.streams
        url = self.url.replace("http", "ws", 1) + path
        with connect(url, proxy=None, **options) as socket:
            hello = json.loads(socket.recv(timeout=10))
            assert hello["type"] == "connection"
            assert hello.keys() == {"type", "message", "timestamp"}
            wait_until(lambda: self.streams > before, seconds=10)
            yield socket

    @contextmanager
    def events(
        self, token: str | None = None, *, path: str = "/events", last_id: int | None = None
    ) -> Iterator["EventReader"]:
        """Open server-sent events, after they have begun."""
        before = self.streams
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if last_id is not None:
            headers["Last-Event-ID"] = str(last_id)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        try:
            if response.status == 200:
                wait_until(lambda: self.streams > before, seconds=10)
            yield EventReader(response)
        finally:
            response.close()
            connection.close()


@dataclass
class EventReader:
    """Reads server-sent events as the specification of HTML says."""

    response: HTTPResponse

    @property
    def status(self) -> int:
        return self.response.status

    def next(self) -> dict[str, str]:
        """The fields of the next event; a heartbeat has none."""
        fields: dict[str, str] = {}
        while True:
            line = self.response.readline().decode()
            if not line:
                raise EOFError
            line = line.rstrip("\n")
            if not line:
                return fields
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")

    def read_to_end(self) -> None:
        """Read until the server closes the connection."""
        with suppress(EOFError, OSError):
            while True:
                self.next()

    def next_transaction(self) -> Any:
        """The data of the next transaction, after other events."""
        while True:
            fields = self.next()
            if fields.get("event") == "transaction":
                data = json.loads(fields["data"])
                assert fields["id"] == str(data["id"])
                return data

    def next_wallet(self) -> Any:
        """What the next event about the viewer's wallet tells, after other events."""
        while True:
            fields = self.next()
            if fields.get("event") == "wallet":
                assert "id" not in fields  # it is not what Last-Event-ID counts
                return json.loads(fields["data"])


def relay(*events: StoredEvent) -> None:
    """Add what events report to the feed, as the relay does."""
    with transaction() as session:
        handle(session, events)


def next_transaction(socket: ClientConnection) -> Any:
    message = json.loads(socket.recv(timeout=10))
    assert message.keys() == {"type", "data"}
    assert message["type"] == "transaction"
    return message["data"]


def is_silent(socket: ClientConnection, *, seconds: float = 0.5) -> bool:
    """Whether nothing arrives."""
    try:
        socket.recv(timeout=seconds)
    except TimeoutError:
        return True
    return False


def elapsed(since: float) -> float:
    return time.monotonic() - since


def close_code(socket: ClientConnection) -> int | None:
    """The code with which the server closes a WebSocket."""
    try:
        while True:
            socket.recv(timeout=10)
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code
