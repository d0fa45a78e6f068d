"""`./flow bench live`: what open streams cost purchases.

Purchases of one product with a worker, in turn without the live process and beside it with 2,000
idle and 200 busy streams (`--idle`, `--busy`).
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

import psutil  # type: ignore[import-untyped]  # publishes no types
from rich import box
from rich.console import Console
from rich.table import Table

from app.common.settings import COMMAND, PROJECT_ROOT
from app.local.processes import free_port
from bench import http_requests
from bench.measurement import Result, load
from bench.servers import Servers, start_servers, wait_for
from bench.shop import Shop

TARGET = 0.9
MAX_MB = 150
_PAIRS = 3
_STOP_SECONDS = 30


@dataclass(frozen=True)
class Streamed:
    """pss_mb, cpu: memory and CPU seconds of the live process; messages: that arrived; lost:
    streams that ended; client_cpu: CPU seconds of the clients."""

    pss_mb: float
    cpu: float
    messages: int
    lost: int
    client_cpu: float


def main(arguments: list[str]) -> int:
    """Returns 0 if the targets are met and no stream was lost."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} bench live", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--idle", type=int, default=2000, help="idle streams (2000)")
    parser.add_argument("--busy", type=int, default=200, help="busy streams (200)")
    parser.add_argument("--seconds", type=float, default=10, help="per measurement (10)")
    options = parser.parse_args(arguments)
    console = Console()
    alone: list[Result] = []
    beside: list[Result] = []
    streamed: list[Streamed] = []
    with start_servers(workers=2) as servers, console.status("measuring"):
        shop = Shop(servers, buyers=1000, merchants=10, long=1000)
        with _process(servers, "worker"):
            _buy(shop, 2)
            for _ in range(_PAIRS):
                alone.append(_buy(shop, options.seconds))
                with _streams(shop, options.idle, options.busy, streamed):
                    beside.append(_buy(shop, options.seconds))
    ratio = statistics.median(
        b.per_second / a.per_second for a, b in zip(alone, beside, strict=True)
    )
    pss = max(each.pss_mb for each in streamed)
    lost = sum(each.lost for each in streamed)
    console.print(_table(alone, beside, streamed, ratio=ratio, pss=pss))
    if lost:
        console.print(f"[red]{lost} streams were lost.")
    is_right = not lost and not any(each.wrong for each in (*alone, *beside))
    return 0 if ratio >= TARGET and pss <= MAX_MB and is_right else 1


def _table(
    alone: list[Result],
    beside: list[Result],
    streamed: list[Streamed],
    *,
    ratio: float,
    pss: float,
) -> Table:
    shown = Table("", "", box=box.SIMPLE_HEAD)
    shown.add_row("purchases/s without", ", ".join(f"{each.per_second:,.0f}" for each in alone))
    shown.add_row("beside the streams", ", ".join(f"{each.per_second:,.0f}" for each in beside))
    verdict = "met" if ratio >= TARGET else "missed"
    shown.add_row("ratio, median", f"{ratio:.2f} (target {TARGET} {verdict})")
    verdict = "met" if pss <= MAX_MB else "missed"
    shown.add_row("PSS of the live process, MB", f"{pss:.0f} (target {MAX_MB} {verdict})")
    shown.add_row("its CPU seconds", ", ".join(f"{each.cpu:.1f}" for each in streamed))
    shown.add_row("those of its clients", ", ".join(f"{each.client_cpu:.1f}" for each in streamed))
    shown.add_row("messages", ", ".join(f"{each.messages:,}" for each in streamed))
    return shown


def _buy(shop: Shop, seconds: float) -> Result:
    requests = [http_requests.purchase(buyer, shop.hot) for buyer in shop.buyers]
    return load(shop.servers, requests, seconds=seconds, expected={"201"})


@contextmanager
def _streams(shop: Shop, idle: int, busy: int, streamed: list[Streamed]) -> Iterator[None]:
    """The live process with open streams. Adds what was measured at the end."""
    port = free_port()
    limits = {"LIVE_PORT": str(port), "LIVE_CONNECTIONS_PER_ADDRESS": str(idle + busy + 100)}
    with (
        _process(shop.servers, "live", **limits) as live,
        _clients(live, port, idle, busy, token=shop.merchants[-1].token) as clients,
    ):
        before = sum(live.cpu_times()[:2])
        yield
        cpu = sum(live.cpu_times()[:2]) - before
        pss = live.memory_full_info().pss / 1e6
        found = _finish(clients)
        streamed.append(Streamed(pss, cpu, found["messages"], found["lost"], found["cpu"]))


@contextmanager
def _process(servers: Servers, command: str, **variables: str) -> Iterator[psutil.Process]:
    """One of our commands; stopped when the block ends."""
    started = subprocess.Popen(  # noqa: S603 – arguments of our own
        [sys.executable, "-m", "app.cli", command],
        env=servers.environment | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=servers.environment["DATA_DIR"],
    )
    try:
        yield psutil.Process(started.pid)
    finally:
        started.terminate()
        started.wait(_STOP_SECONDS)


@contextmanager
def _clients(
    live: psutil.Process, port: int, idle: int, busy: int, *, token: str
) -> Iterator["subprocess.Popen[str]"]:
    """The clients, connected."""
    if not wait_for(f"http://127.0.0.1:{port}/api/health", live.is_running):
        raise SystemExit("The live process did not start.")
    clients = subprocess.Popen(  # noqa: S603 – arguments of our own
        [
            *(sys.executable, "-m", "bench.streams", "--port", str(port)),
            *("--idle", str(idle), "--busy", str(busy)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
    )
    try:
        given, printed = _pipes(clients)
        given.write(f"{token}\n")
        given.flush()
        if printed.readline() != "ready\n":
            raise SystemExit("The clients could not connect.")
        yield clients
    finally:
        clients.kill()
        clients.wait()


def _finish(clients: "subprocess.Popen[str]") -> dict[str, Any]:
    given, printed = _pipes(clients)
    given.close()
    found: dict[str, Any] = json.loads(printed.read())
    return found


def _pipes(process: "subprocess.Popen[str]") -> tuple[IO[str], IO[str]]:
    return cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
