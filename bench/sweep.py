"""`./flow bench sweep`: batch sizes and rates by number of connections.

Every movement of money, over 1, 2, 4 … 128 connections; all purchases are of one product. Prints
tables, and writes JSON and the charts in docs/performance.md.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.common.settings import COMMAND, PROJECT_ROOT
from bench import chart
from bench.measurement import Result
from bench.scenarios import movements, warm_up
from bench.servers import start_servers
from bench.shop import Shop

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64, 128)

#: Results by movement and number of connections.
Swept = Mapping[str, Mapping[int, Result]]


def main(arguments: list[str]) -> int:
    """Returns 0 if every movement succeeded and the ledger is consistent."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} bench sweep", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=4, help="per load (4)")
    parser.add_argument("--workers", type=int, default=2, help="web processes (2)")
    parser.add_argument("--only", default="", help="movements, separated by commas")
    parser.add_argument("--before", type=Path, help="JSON of an earlier version, to draw it too")
    parser.add_argument("--json", type=Path, default=PROJECT_ROOT / ".data" / "sweep.json")
    parser.add_argument("--charts", type=Path, default=PROJECT_ROOT / "docs" / "images")
    options = parser.parse_args(arguments)
    names = options.only.split(",") if options.only else list(movements(1))
    if unknown := set(names) - set(movements(1)):
        parser.error(f"unknown movements: {', '.join(sorted(unknown))}")
    before = _rates(json.loads(options.before.read_text())) if options.before else {}
    console = Console()
    with (
        Progress(console=console, transient=True) as progress,
        start_servers(workers=options.workers) as servers,
    ):
        shop = Shop(servers, buyers=1000, merchants=10, long=0)
        warm_up(shop)
        results: dict[str, dict[int, Result]] = {name: {} for name in names}
        for name in progress.track(names, description="sweep"):
            for connections in CONNECTIONS:
                run = movements(connections)[name]
                results[name][connections] = run(shop, options.seconds)
        books = servers.command("verify")
    for name, by_connections in results.items():
        console.print(table(name, by_connections))
    save(results, options.json, options.charts, before=before)
    console.print(f"As JSON: {options.json}; charts: {options.charts}")
    wrong = any(r.wrong for by_connections in results.values() for r in by_connections.values())
    return 1 if books.returncode or wrong else 0


def table(name: str, results: Mapping[int, Result]) -> Table:
    shown = Table(
        "Connections", "batch", "per s", "p50 ms", "p99 ms", box=box.SIMPLE_HEAD, title=name
    )
    for connections, r in results.items():
        batch = "" if r.batch is None else f"{r.batch:.1f}"
        numbers = (f"{r.per_second:.0f}", f"{r.p50:.1f}", f"{r.p99:.1f}")
        shown.add_row(str(connections), batch, *numbers)
    return shown


def save(results: Swept, data: Path, charts: Path, *, before: chart.Rates) -> None:
    """Write the results as JSON and as charts. before: the rates of an earlier version."""
    data.parent.mkdir(parents=True, exist_ok=True)
    charts.mkdir(parents=True, exist_ok=True)
    saved = {
        name: {connections: asdict(result) for connections, result in by_connections.items()}
        for name, by_connections in results.items()
    }
    data.write_text(json.dumps(saved, indent=1))
    if purchases := results.get("purchase"):
        (charts / "batching.svg").write_text(chart.draw_batches(purchases))
    drawing = chart.draw_movements(_rates(json.loads(data.read_text())), before)
    (charts / "movements.svg").write_text(drawing)


def _rates(saved: Mapping[str, Mapping[str, Mapping[str, float]]]) -> chart.Rates:
    return {
        name: {int(connections): one["per_second"] for connections, one in results.items()}
        for name, results in saved.items()
    }
