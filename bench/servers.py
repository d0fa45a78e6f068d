"""The servers under test: durable PostgreSQL, Redis and the web server."""

import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import psutil  # type: ignore[import-untyped]  # publishes no types
import psycopg

from app.common.settings import PROJECT_ROOT
from app.local.embedded import PostgresServer, RedisServer
from app.local.processes import free_port

#: Full durability: every commit waits for the disk.
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "200",
}
_CLI: Final = [sys.executable, "-m", "app.cli"]
SERVE: Final = [*_CLI, "serve"]

#: Production refuses direct deposits, which are measured too. Everything else that depends on
#: APP_ENV is decided at startup, so it does not affect the cost of a request.
APP_ENV = "development"

#: A bank that is never called; the benchmark sends its webhooks.
BANK = {"code": "BENCH", "name": "Bench Bank", "url": "http://127.0.0.1:1"}
BANK_KEY = base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class Servers:
    """Running servers.

    postgres, web: their main processes, whose children do the work; environment: the environment
    variables of the web server.
    """

    superuser_url: str
    postgres: psutil.Process
    environment: dict[str, str]
    port: int
    web: psutil.Process

    def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run a statement as superuser. Triggers and constraints still apply."""
        with (
            closing(psycopg.connect(self.superuser_url, autocommit=True)) as connection,
            psycopg.ClientCursor(connection) as cursor,
        ):
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def cpu(self) -> tuple[float, float]:
        """CPU seconds used so far by the web server and by PostgreSQL."""
        return cpu_of(self.web), cpu_of(self.postgres)

    def pss(self) -> int:
        """Bytes of memory of the largest web process."""
        return max(int(process.memory_full_info().pss) for process in self.web.children())

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The result of a command such as `./flow verify` for this database."""
        return subprocess.run(  # noqa: S603 – arguments of our own
            [*_CLI, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


def cpu_of(process: psutil.Process) -> float:
    """CPU seconds of a process and its children, including those that have ended."""
    while True:
        ended = process.cpu_times()[2:4]
        seconds = 0.0
        for child in process.children():
            with suppress(psutil.NoSuchProcess):
                seconds += sum(child.cpu_times()[:2])
        times = process.cpu_times()
        if times[2:4] == ended:  # otherwise a child that ended meanwhile counts twice or not at all
            return seconds + float(sum(times[:4]))


@dataclass(frozen=True)
class Stores:
    """PostgreSQL with the schema, and Redis, whose files are in `folder`.

    environment: the environment variables of a web server, without PORT and WEB_WORKERS.
    """

    folder: Path
    postgres: PostgresServer
    environment: dict[str, str]

    @property
    def superuser_url(self) -> str:
        return self.postgres.superuser_url.rpartition("/")[0] + "/payment_flow"


@contextmanager
def start_servers(*, workers: int) -> Iterator[Servers]:
    """Start all servers, and stop them when the block ends."""
    with start_stores() as stores:
        port = free_port()
        environment = stores.environment | {"PORT": str(port), "WEB_WORKERS": str(workers)}
        with web_server(SERVE, environment, "/health/ready", stores.folder) as web:
            postgres = psutil.Process(stores.postgres.pid)
            yield Servers(stores.superuser_url, postgres, environment, port, web)


@contextmanager
def start_stores(**settings: str) -> Iterator[Stores]:
    """Start PostgreSQL and Redis, and stop them when the block ends.

    settings: of PostgreSQL, besides those that all benchmarks have.
    """
    with ExitStack() as cleanup:
        folder = Path(mkdtemp(prefix="payment-flow-bench-"))
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # as root, PostgreSQL runs as another user and needs access
        postgres = PostgresServer.start(folder, settings=DURABLE | settings)
        cleanup.callback(postgres.stop)
        redis = RedisServer.start(folder)
        cleanup.callback(redis.stop)
        environment = os.environ | {
            "APP_ENV": APP_ENV,
            "DATABASE_URL": postgres.app_url,
            "MIGRATION_DATABASE_URL": postgres.owner_url,
            "REDIS_URL": redis.url,
            "JWT_ACCESS_SECRET": secrets.token_urlsafe(48),
            "JWT_REFRESH_SECRET": secrets.token_urlsafe(48),
            "ENCRYPTION_KEYS": secrets.token_urlsafe(48),
            "METRICS_TOKEN": secrets.token_urlsafe(32),
            "BANK_PROVIDERS": json.dumps([{**BANK, "keys": [f"whsec_{BANK_KEY}"]}]),
            "DATA_DIR": str(folder),
            "RATELIMIT_ENABLED": "false",
            # All buyers come from one address.
            "WEB_CONNECTIONS_PER_ADDRESS": "8192",
            # The buyers have no second factor, and buy all day.
            "TWO_FACTOR_ABOVE": "1000000000.00",
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        # In a folder without a `.env` file, so that only these variables differ from the defaults.
        subprocess.run([*_CLI, "migrate"], env=environment, cwd=folder, check=True)  # noqa: S603
        yield Stores(folder, postgres, environment)


@contextmanager
def web_server(
    command: list[str], environment: dict[str, str], path: str, folder: Path
) -> Iterator[psutil.Process]:
    """Run `command`, a server on PORT, and wait until `path` responds."""
    log = folder / f"web-{environment['PORT']}.log"
    with log.open("w") as output:
        web = subprocess.Popen(  # noqa: S603
            command, env=environment, stdout=output, stderr=output, cwd=folder
        )
    try:
        _wait(f"http://127.0.0.1:{environment['PORT']}{path}", web, log)
        yield psutil.Process(web.pid)
    finally:
        web.terminate()
        web.wait(30)


def _wait(url: str, web: "subprocess.Popen[bytes]", log: Path) -> None:
    if not wait_for(url, lambda: web.poll() is None):
        raise SystemExit(f"The web server did not start:\n{log.read_text()[-2000:]}")


def wait_for(url: str, lives: Callable[[], bool]) -> bool:
    """Wait until `url` responds while its server lives. Returns whether it has responded."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and lives():
        try:
            urllib.request.urlopen(url).close()  # noqa: S310 – our own server
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
