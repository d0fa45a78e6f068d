"""`./flow bench pooler`: what PgBouncer costs, and what it costs not to prepare statements.

The same load, in turn, on web servers that reach the same PostgreSQL directly and through PgBouncer
(`--pgbouncer` for another version than that of the PATH; more than one is possible), with
statements that are prepared and not (`DATABASE_PREPARE_THRESHOLD`). Versions before 1.21 do not
know which connection has prepared what, so nothing is prepared behind them.
"""

import argparse
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import psutil  # type: ignore[import-untyped]  # publishes no types
import psycopg
from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from app.common.connections import DEFAULT_PREPARE_THRESHOLD
from app.common.settings import COMMAND, PROJECT_ROOT
from app.local.processes import free_port
from bench import http_requests
from bench.measurement import Result, load
from bench.servers import SERVE, Servers, cpu_of, start_servers, web_server
from bench.shop import Shop

_CONFIGURATION: Final = PROJECT_ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini"
_BUYERS: Final = 200
_START_SECONDS: Final = 10
#: The first version that tracks prepared statements.
_TRACKS: Final = (1, 21)


@dataclass(frozen=True)
class Way:
    """A web server that reaches PostgreSQL in some way. pooler: its PgBouncer."""

    name: str
    servers: Servers
    pooler: psutil.Process | None


@dataclass(frozen=True)
class Measured:
    """A load. pooler_cpu: milliseconds per request of PgBouncer."""

    result: Result
    pooler_cpu: float

    @property
    def cpu(self) -> float:
        """Milliseconds per request of all servers."""
        return (self.result.web_cpu or 0) + self.pooler_cpu + self.result.database_cpu


def main(arguments: list[str]) -> int:
    """Returns 0 if every outcome is as expected and the books are consistent."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} bench pooler", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seconds", type=float, default=4, help="of each load (4)")
    parser.add_argument("--rounds", type=int, default=3, help="of all loads; the median counts (3)")
    parser.add_argument("--workers", type=int, default=2, help="web processes (2)")
    parser.add_argument("--pgbouncer", action="append", metavar="PROGRAM", help="another one")
    options = parser.parse_args(arguments)
    console = Console(width=max(Console().width, 120))
    with (
        start_servers(workers=options.workers) as servers,
        console.status("measuring"),
        _ways(servers, options.pgbouncer or ["pgbouncer"]) as ways,
    ):
        shop = Shop(servers, buyers=_BUYERS, merchants=1, long=0)
        loads = _loads(shop)
        for way in ways:
            loads["purchases"](way.servers, 1)
        measured: dict[tuple[str, str], list[Measured]] = {}
        for _ in range(options.rounds):
            for name, run in loads.items():
                for way in ways:
                    found = _measure(way, run, options.seconds)
                    measured.setdefault((way.name, name), []).append(found)
        books = servers.command("verify")
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for heading in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    for way in ways:
        cells = [
            f"{median(value(m) for m in measured[way.name, name]):{form}}"
            for name, value, form in _COLUMNS.values()
        ]
        table.add_row(way.name, *cells)
    console.print(table)
    console.print("web, PgBouncer, PostgreSQL and CPU: milliseconds of CPU per request.")
    console.print(books.stdout.strip().splitlines()[-1] if books.stdout else books.stderr)
    wrong = any(m.result.wrong for each in measured.values() for m in each)
    return 1 if wrong or books.returncode else 0


#: By heading: of which load, the value, and its form. CPU in milliseconds per request.
_COLUMNS: Final[dict[str, tuple[str, Callable[[Measured], float], str]]] = {
    "purchases/s": ("purchases", lambda m: m.result.per_second, ",.0f"),
    "web": ("purchases", lambda m: m.result.web_cpu or 0, ".2f"),
    "PgBouncer": ("purchases", lambda m: m.pooler_cpu, ".2f"),
    "PostgreSQL": ("purchases", lambda m: m.result.database_cpu, ".2f"),
    "lone p50": ("lone", lambda m: m.result.p50, ".1f"),
    "CPU, lone": ("lone", lambda m: m.cpu, ".1f"),
    "reads/s": ("reads", lambda m: m.result.per_second, ",.0f"),
    "CPU": ("reads", lambda m: m.cpu, ".2f"),
}


def _loads(shop: Shop) -> dict[str, Callable[[Servers, float], Result]]:
    """Purchases of one product over 32 connections and over one, and reads of a wallet."""
    purchases = [http_requests.purchase(buyer, shop.hot) for buyer in shop.buyers]
    reads = [http_requests.get("/api/v1/wallet", buyer) for buyer in shop.buyers]
    return {
        "purchases": lambda at, s: load(at, purchases, seconds=s, expected={"201"}),
        "lone": lambda at, s: load(at, purchases, seconds=s, expected={"201"}, connections=1),
        "reads": lambda at, s: load(at, reads, seconds=s, expected={"200"}),
    }


def _measure(way: Way, run: Callable[[Servers, float], Result], seconds: float) -> Measured:
    before = _cpu(way.pooler)
    result = run(way.servers, seconds)
    return Measured(result, (_cpu(way.pooler) - before) / sum(result.outcomes.values()) * 1e3)


def _cpu(process: psutil.Process | None) -> float:
    return cpu_of(process) if process else 0.0


@contextmanager
def _ways(servers: Servers, programs: Sequence[str]) -> Iterator[list[Way]]:
    with ExitStack() as cleanup:
        ways = [Way("direct, prepared", servers, None)]

        def add(name: str, threshold: int, url: str, process: psutil.Process | None) -> None:
            environment = servers.environment | {
                "DATABASE_URL": url,
                "DIRECT_DATABASE_URL": servers.environment["DATABASE_URL"],
                "DATABASE_PREPARE_THRESHOLD": str(threshold),
                "PORT": str(free_port()),
            }
            folder = Path(cleanup.enter_context(TemporaryDirectory()))
            web = cleanup.enter_context(web_server(SERVE, environment, "/health/ready", folder))
            port = int(environment["PORT"])
            at = replace(servers, environment=environment, port=port, web=web)
            ways.append(Way(name, at, process))

        direct = servers.environment["DATABASE_URL"]
        add("direct, not prepared", 0, direct, None)
        for program in programs:
            number = version(program)
            name = f"PgBouncer {'.'.join(map(str, number))}"
            url, process = cleanup.enter_context(pooler(direct, program=program))
            add(f"{name}, not prepared", 0, url, process)
            if number >= _TRACKS:
                add(f"{name}, prepared", DEFAULT_PREPARE_THRESHOLD, url, process)
        yield ways


def version(program: str) -> tuple[int, ...]:
    """The version of a PgBouncer."""
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    return tuple(int(part) for part in text.split()[1].split("."))


@contextmanager
def pooler(
    url: str, *, program: str = "pgbouncer", connections: int | None = None
) -> Iterator[tuple[str, psutil.Process]]:
    """Run a pooler as deploy/pgbouncer configures it, before the database at `url`. Yields the URL
    through it, with the same role, and its process.

    connections: of its pool, if others than there.
    """
    with TemporaryDirectory(prefix="payment-flow-pooler-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, PgBouncer runs as another user
        port = free_port()
        target = make_url(url)
        (folder / "users").write_text(f'"{target.username}" "{target.password}"\n')
        changes = {
            r"host=\S+ port=\d+ dbname=\w+": (
                f"host={target.host} port={target.port} dbname={target.database}"
            ),
            r"listen_addr = .*": "listen_addr = 127.0.0.1",
            r"listen_port = .*": f"listen_port = {port}",
            r"auth_file = .*": f"auth_file = {folder / 'users'}",
            r"pool_mode = ": "unix_socket_dir =\npool_mode = ",
        }
        if connections is not None:
            changes[r"default_pool_size = .*"] = f"default_pool_size = {connections}"
        if version(program) < _TRACKS:
            changes[r"max_prepared_statements = .*"] = ""
        text = _CONFIGURATION.read_text()
        for pattern, value in changes.items():
            text, count = re.subn(pattern, value, text)
            if count != 1:
                raise ValueError(f"{_CONFIGURATION} has no {pattern}")
        (folder / "pgbouncer.ini").write_text(text)
        as_other = ["-u", "nobody"] if os.geteuid() == 0 else []
        with (folder / "pgbouncer.log").open("a") as log:
            process = subprocess.Popen(  # noqa: S603 – a program that the caller names
                [program, *as_other, str(folder / "pgbouncer.ini")], stdout=log, stderr=log
            )
        through = target.set(host="127.0.0.1", port=port, database="payment_flow")
        made = through.render_as_string(hide_password=False)
        try:
            _wait(made)
            yield made, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(10)


def _wait(url: str) -> None:
    """Until it accepts connections. Raises psycopg.OperationalError."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(plain, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
