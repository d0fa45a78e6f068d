"""The application in processes of its own, over real HTTP."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from sqlalchemy import create_engine, text

from app.common import open_files
from app.common.settings import PROJECT_ROOT, Settings
from tests.concurrency import all_at_once
from tests.ports import unused_port
from tests.servers import TestDatabase

#: Of every user who signs up.
PASSWORD = "a-fine-secret-1"


def wait_until(condition: Callable[[], object], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "The condition was not met in time."
        time.sleep(0.02)


def require_alive(connection: http.client.HTTPConnection) -> None:
    """Check that the connection still serves requests."""
    used = connection.sock
    connection.request("GET", "/health/live")
    with connection.getresponse() as answer:
        assert answer.read()
        assert answer.status == 200
    assert connection.sock is used


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Api:
    """A client of the API. url: without a path."""

    url: str

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        data: bytes | None = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Send a request. No status raises.

        path: from the root of the server; body: sent as JSON; data: sent unchanged.
        """
        sent = data if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=sent, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Response(response.status, dict(response.headers), response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, dict(error.headers), error.read().decode())

    def connect(self) -> http.client.HTTPConnection:
        """A connection that stays open until it is closed."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        connection.connect()
        return connection

    @contextmanager
    def idle_connections(self, count: int) -> Iterator[list[http.client.HTTPConnection]]:
        """Open connections that have each served a request, as browsers keep them."""
        open_files.raise_limit(count + 1000)
        with ExitStack() as cleanup:
            connections = []
            for _ in range(count):
                connection = self.connect()
                cleanup.callback(connection.close)
                require_alive(connection)
                connections.append(connection)
            yield connections

    def is_ready(self) -> bool:
        try:
            return self.call("GET", "/health/ready").status == 200
        except OSError:
            return False

    def sign_up(self, name: str, *, role: str = "USER", balance: str | None = None) -> str:
        """Register a user. Returns an access token. balance: the amount of a first deposit."""
        account = {"email": f"{name}@example.com", "password": PASSWORD, "role": role}
        answer = self.call("POST", "/api/v1/auth/register", account)
        assert answer.status == 201, answer.text
        token: str = answer.json["accessToken"]
        if balance is not None:
            deposit = {"amount": balance}
            answer = self.call("POST", "/api/v1/wallet/deposit", deposit, token=token)
            assert answer.status == 200, answer.text
        return token

    def create_product(self, token: str, *, price: str, units: int) -> str:
        """Create a product. Returns its id."""
        product = {"name": "Course", "price": price, "availableUnits": units}
        answer = self.call("POST", "/api/v1/products", product, token=token)
        assert answer.status == 201, answer.text
        product_id: str = answer.json["id"]
        return product_id


@dataclass(frozen=True)
class LiveServer(Api):
    """A running server. pid: of its main process, the parent of the web processes."""

    pid: int
    database: TestDatabase
    environment: dict[str, str]

    @classmethod
    @contextmanager
    def start(
        cls, settings: Settings, database: TestDatabase, *, workers: int, **extra: str
    ) -> Iterator["LiveServer"]:
        port = unused_port()
        environment = os.environ | {
            "APP_ENV": "test",
            "DATABASE_URL": database.app_url,
            "MIGRATION_DATABASE_URL": database.owner_url,
            "REDIS_URL": str(settings.redis_url),
            "DATA_DIR": str(settings.data_dir),
            "PORT": str(port),
            "WEB_WORKERS": str(workers),
            "BCRYPT_ROUNDS": "4",
            "RATELIMIT_ENABLED": "false",
            "PYTHONPATH": str(PROJECT_ROOT),
            **extra,
        }
        with cls._run(environment, database) as server:
            yield server

    @contextmanager
    def restarted(self) -> Iterator["LiveServer"]:
        """The same server in new processes, after this one has been stopped."""
        with self._run(self.environment, self.database) as server:
            yield server

    @classmethod
    @contextmanager
    def _run(cls, environment: dict[str, str], database: TestDatabase) -> Iterator["LiveServer"]:
        port = environment["PORT"]
        log = Path(environment["DATA_DIR"]) / f"live-{port}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
            )
        server = cls(f"http://127.0.0.1:{port}", process.pid, database, environment)
        try:
            server._wait(process, log, int(environment["WEB_WORKERS"]))
            yield server
        finally:
            process.terminate()
            process.wait(30)

    def _wait(self, process: "subprocess.Popen[bytes]", log: Path, workers: int) -> None:
        """Wait until every web process listens, so that tests can kill one of them."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and process.poll() is None:
            if log.read_text().count("web_process_started") == workers and self.is_ready():
                return
            time.sleep(0.05)
        raise AssertionError(f"The server did not start:\n{log.read_text()[-2000:]}")

    def web_processes(self) -> list[psutil.Process]:
        """The processes that serve requests."""
        return psutil.Process(self.pid).children()

    def memory(self) -> int:
        """The memory of the largest web process, in bytes."""
        return max(process.memory_info().rss for process in self.web_processes())

    @contextmanager
    def sent(self, data: bytes, count: int) -> Iterator[list[socket.socket]]:
        """Connections from six addresses, on each of which only `data` has been sent."""
        open_files.raise_limit(count + 1000)
        parts = urlsplit(self.url)
        with ExitStack() as cleanup:
            connections = []
            for number in range(count):
                connection = socket.create_connection(
                    (parts.hostname or "", parts.port or 0),
                    timeout=20,
                    source_address=(f"127.0.0.{2 + number % 6}", 0),
                )
                connections.append(cleanup.enter_context(connection))
                connection.sendall(data)
            yield connections

    @contextmanager
    def polled(self, token: str) -> Iterator[list[float]]:
        """Get a wallet repeatedly until the block ends. Yields the seconds of each response."""
        taken: list[float] = []
        over = threading.Event()

        def poll() -> None:
            while not over.is_set():
                begun = time.monotonic()
                assert self.call("GET", "/api/v1/wallet", token=token).status == 200
                taken.append(time.monotonic() - begun)
                time.sleep(0.05)

        polling = threading.Thread(target=poll)
        polling.start()
        try:
            yield taken
        finally:
            over.set()
            polling.join()

    @contextmanager
    def worker(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a worker, and kill it with all its children when the block ends."""
        log = Path(self.environment["DATA_DIR"]) / f"worker-{self.environment['PORT']}.log"
        with log.open("a") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "worker"],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)

    def cli(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the `payment-flow` command on the server's database."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            env=self.environment,
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )


def order(product_id: str) -> dict[str, str]:
    return {"productId": product_id, "paymentMethod": "WALLET"}


def sign_up_buyers(server: LiveServer, count: int, *, balance: str) -> list[str]:
    """Register `count` buyers. Returns their access tokens."""
    return all_at_once(
        lambda number: server.sign_up(f"buyer-{number}", balance=balance), range(count), threads=8
    )


def outcomes(answers: Iterable[Response]) -> Counter[tuple[int, str | None]]:
    """The number of responses by status and error code."""
    return Counter((answer.status, answer.json.get("error")) for answer in answers)


def completed_orders(server: LiveServer) -> set[str]:
    """The ids of the completed orders in the database."""
    engine = create_engine(server.database.app_url)
    with engine.connect() as connection:
        ids = connection.scalars(text("SELECT id::text FROM orders WHERE status = 'COMPLETED'"))
        found = set(ids.all())
    engine.dispose()
    return found
