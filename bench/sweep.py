"""`./flow bench sweep`: batch size and throughput by number of connections.

All buyers buy one product, over 1, 2, 4 … 128 connections. Prints a table, and writes JSON and
the chart in docs/performance.md.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.common.settings import PROJECT_ROOT
from bench import chart
from bench.measurement import Result
from bench.scenarios import buy_hot, warm_up
from bench.servers import start_servers
from bench.shop import Shop

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64, 128)


def main(arguments: list[str]) -> int:
    """Returns 0 if every purchase succeeded and the ledger is consistent."""
    parser = argparse.ArgumentParser(prog="flow bench sweep", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5, help="per number of connections (5)")
    parser.add_argument("--workers", type=int, default=2, help="web processes (2)")
    parser.add_argument("--json", type=Path, default=PROJECT_ROOT / ".data" / "sweep.json")
    parser.add_argument(
        "--chart", type=Path, default=PROJECT_ROOT / "docs" / "images" / "batching.svg"
    )
    options = parser.parse_args(arguments)
    console = Console()
    with (
        Progress(console=console, transient=True) as progress,
        start_servers(workers=options.workers) as servers,
    ):
        shop = Shop(servers, buyers=1000, merchants=1, long=0)
        warm_up(shop)
        results = {
            connections: buy_hot(shop, seconds=options.seconds, connections=connections)
            for connections in progress.track(CONNECTIONS, description="sweep")
        }
        books = servers.verify()
    console.print(table(results))
    save(results, options.json, options.chart)
    console.print(f"As JSON: {options.json}; chart: {options.chart}")
    return 1 if books.returncode or any(result.wrong for result in results.values()) else 0


def table(results: dict[int, Result]) -> Table:
    shown = Table("Connections", "batch", "per s", "p50 ms", "p99 ms", box=box.SIMPLE_HEAD)
    for connections, r in results.items():
        batch = "" if r.batch is None else f"{r.batch:.1f}"
        numbers = (f"{r.per_second:.0f}", f"{r.p50:.1f}", f"{r.p99:.1f}")
        shown.add_row(str(connections), batch, *numbers)
    return shown


def save(results: dict[int, Result], data: Path, drawing: Path) -> None:
    for path in (data, drawing):
        path.parent.mkdir(parents=True, exist_ok=True)
    data.write_text(json.dumps({n: asdict(r) for n, r in results.items()}, indent=1))
    drawing.write_text(chart.draw(results))
