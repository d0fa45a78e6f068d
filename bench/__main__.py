"""`./flow bench`: the cost of a purchase and other requests, compared with PostgreSQL alone.

PostgreSQL (durable), Redis, the web server as in production and the load generator share the
cores of this machine, so only ratios within one run are meaningful.

    ./flow bench                    # everything, several minutes
    ./flow bench --quick            # everything in under a minute, less precise
    ./flow bench --only hot-product # one scenario, with its baselines
    ./flow bench sweep              # batch sizes from 1 to 128 connections
    ./flow bench at-scale           # lists, searches and exports of a large shop
    ./flow bench relay              # delivery of events
    ./flow bench webhooks           # an endpoint beside one that hangs
    ./flow bench live               # purchases beside open streams
    ./flow bench scaling            # more web processes, more hosts of the database
    ./flow bench cells              # cells for up to 10⁹ purchases a day, simulated
    ./flow bench pooler             # PgBouncer, and statements that are not prepared
"""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.common.settings import COMMAND, PROJECT_ROOT
from bench import at_scale, cells, live, pooler, relay, report, scaling, sweep, webhooks
from bench.measurement import Result
from bench.scenarios import SCENARIOS, Scenario, select, warm_up
from bench.servers import DURABLE, Servers, start_servers
from bench.shop import Shop
from bench.targets import evaluate

BUYERS = 1000
MERCHANTS = 100

#: Maximum for a scenario with one request at a time: its latency varies little.
LONE_SECONDS = 3

SUBCOMMANDS = {
    "sweep": sweep.main,
    "at-scale": at_scale.main,
    "relay": relay.main,
    "webhooks": webhooks.main,
    "live": live.main,
    "scaling": scaling.main,
    "cells": cells.main,
    "pooler": pooler.main,
}


def main(arguments: list[str]) -> int:
    """Returns 0 if all outcomes are as expected and the ledger is consistent."""
    if arguments[:1] and arguments[0] in SUBCOMMANDS:
        return SUBCOMMANDS[arguments[0]](arguments[1:])
    options = parse(arguments)
    # A narrower table would be truncated; a wider one is wrapped by the terminal.
    console = Console(width=max(Console().width, 120))
    with (
        Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<20}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f} s of load,"),
            TimeElapsedColumn(),
            TextColumn("in total"),
            console=console,
            transient=True,
        ) as progress,
        start_servers(workers=options.workers) as servers,
    ):
        results = run(servers, options, progress)
        books = servers.command("verify")
    targets = evaluate(results)
    report.show(console, results, targets)
    console.print(books.stdout.strip().splitlines()[-1] if books.stdout else books.stderr)
    conditions = {
        "cores": os.cpu_count(),
        "workers": options.workers,
        "seconds": options.seconds,
        "postings": options.postings,
        "postgres": DURABLE,
    }
    options.json.parent.mkdir(exist_ok=True)
    options.json.write_text(report.as_json(results, targets, conditions=conditions))
    console.print(f"As JSON: {options.json}")
    return 1 if books.returncode or any(result.wrong for result in results.values()) else 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options, with the defaults of --quick where it is given. Exits if one is invalid."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="under a minute, less precise")
    parser.add_argument("--only", type=selected, default=SCENARIOS, metavar="NAME,…")
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


def selected(text: str) -> list[Scenario]:
    try:
        return select(text.split(","))
    except KeyError as error:
        names = ", ".join(scenario.name for scenario in SCENARIOS)
        raise argparse.ArgumentTypeError(f"{error} is not one of: {names}") from None


def run(servers: Servers, options: argparse.Namespace, progress: Progress) -> dict[str, Result]:
    """The result of each selected scenario by name. All run in the same shop."""
    seconds = {
        scenario.name: min(options.seconds, LONE_SECONDS) if scenario.lone else options.seconds
        for scenario in options.only
    }
    task = progress.add_task("preparing the shop", total=sum(seconds.values()))
    shop = Shop(servers, buyers=BUYERS, merchants=MERCHANTS, long=options.postings)
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
