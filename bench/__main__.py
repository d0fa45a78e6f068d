"""`./flow bench`: what a purchase and other requests cost, compared with PostgreSQL alone.

Everything runs on this machine and shares its cores: PostgreSQL (durable), Redis, the web
server as in production, and the load. So only the ratios of one run mean anything.

    ./flow bench                    # everything, some minutes
    ./flow bench --quick            # everything, rougher, under a minute
    ./flow bench --only hot-product # with its baselines
    ./flow bench sweep              # batch sizes from 1 to 128 connections
"""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.common.settings import PROJECT_ROOT
from bench import report, sweep
from bench.meter import Result
from bench.scenarios import SCENARIOS, Scenario, pick, warm_up
from bench.shop import Shop
from bench.stage import DURABLE, Stage, stage
from bench.targets import reached

BUYERS = 1000
MERCHANTS = 100

#: Maximum for one request at a time, whose latency varies little.
LONE_SECONDS = 3


def main(arguments: list[str]) -> int:
    """0 when every outcome is as expected and the ledger is consistent, whatever the speed."""
    if arguments[:1] == ["sweep"]:
        return sweep.main(arguments[1:])
    options = parse(arguments)
    # A narrower table would be cut off; one that the terminal wraps can still be read.
    console = Console(width=max(Console().width, 120))
    with (
        Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<20}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f} s of load,"),
            TimeElapsedColumn(),
            TextColumn("in all"),
            console=console,
            transient=True,
        ) as progress,
        stage(workers=options.workers) as s,
    ):
        results = run(s, options, progress)
        books = s.verify()
    found = reached(results)
    report.show(console, results, found)
    console.print(books.stdout.strip().splitlines()[-1] if books.stdout else books.stderr)
    conditions = {
        "cores": os.cpu_count(),
        "workers": options.workers,
        "seconds": options.seconds,
        "postings": options.postings,
        "postgres": DURABLE,
    }
    options.json.parent.mkdir(exist_ok=True)
    options.json.write_text(report.as_json(results, found, conditions=conditions))
    console.print(f"As JSON: {options.json}")
    return 1 if books.returncode or any(result.wrong for result in results.values()) else 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="flow bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="under a minute, rougher")
    parser.add_argument("--only", type=picked, default=SCENARIOS, metavar="NAME,…")
    parser.add_argument("--seconds", type=float, help="per scenario (10; quick: 1)")
    parser.add_argument(
        "--postings",
        type=int,
        help="postings of the long history (10⁶; quick: 5·10⁴); 10⁷ take a quarter of an hour",
    )
    parser.add_argument("--workers", type=int, default=2, help="web processes (2)")
    parser.add_argument("--json", type=Path, default=PROJECT_ROOT / ".data" / "bench.json")
    options = parser.parse_args(arguments)
    options.seconds = options.seconds or (1 if options.quick else 10)
    options.postings = options.postings or (50_000 if options.quick else 1_000_000)
    return options


def picked(text: str) -> list[Scenario]:
    try:
        return pick(text.split(","))
    except KeyError as error:
        names = ", ".join(scenario.name for scenario in SCENARIOS)
        raise argparse.ArgumentTypeError(f"{error} is not one of: {names}") from None


def run(s: Stage, options: argparse.Namespace, progress: Progress) -> dict[str, Result]:
    seconds = {
        scenario.name: min(options.seconds, LONE_SECONDS) if scenario.lone else options.seconds
        for scenario in options.only
    }
    task = progress.add_task("preparing the shop", total=sum(seconds.values()))
    shop = Shop(s, buyers=BUYERS, merchants=MERCHANTS, long=options.postings)
    warm_up(shop)
    results = {}
    for scenario in options.only:
        progress.update(task, description=scenario.name)
        results[scenario.name] = scenario.run(shop, seconds[scenario.name])
        progress.advance(task, seconds[scenario.name])
    progress.update(task, description="verify")
    return results


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
