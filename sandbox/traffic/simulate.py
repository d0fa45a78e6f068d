"""`./flow simulate`: traffic for a time, with its progress and a summary."""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sandbox.common.config import ConfigError, load_env
from sandbox.common.simulator import open_store
from sandbox.traffic.actions import APPROVED, REVIEW
from sandbox.traffic.api import Api, ApiAway
from sandbox.traffic.config import Config
from sandbox.traffic.store import SCHEMA, Accounts
from sandbox.traffic.traffic import Counts, Traffic

_MAX_RATE: Final = 200.0
_POLL_SECONDS: Final = 0.2


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code."""
    options = _parse(arguments)
    console = Console()
    try:
        config = Config.require_allowed(load_env())
        return _simulate(config, options, console)
    except (ConfigError, ApiAway) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="flow simulate", description="Make realistic transactions through the public API."
    )
    parser.add_argument("--rate", type=_rate, default=20.0, help="transactions a second (20)")
    parser.add_argument("--seconds", type=_seconds, default=60.0, help="for how long (60)")
    parser.add_argument("--seed", type=int, help="makes what is random the same every time")
    return parser.parse_args(arguments)


def _rate(text: str) -> float:
    return _within(text, 0.01, _MAX_RATE)


def _seconds(text: str) -> float:
    return _within(text, 1, 86_400)


def _within(text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"must be from {least:g} to {most:g}")
    return value


def _simulate(config: Config, options: argparse.Namespace, console: Console) -> int:
    store = open_store(config, "traffic.sqlite3", schema=SCHEMA)
    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn())
    shown = Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with shown as progress:
        people = progress.add_task("people", total=None)
        traffic = Traffic(
            Api(config.api_url),
            Accounts(store, config.api_url),
            currency=config.currency,
            rng=random.Random(options.seed),  # noqa: S311 – guards nothing
            on_ready=lambda ready, of: progress.update(people, completed=ready, total=of),
        )
        traffic.start()
        try:
            traffic.prepare(options.rate)
            begun = time.monotonic()
            _watch(traffic, options, progress)
            traffic.set_interval(None)
        finally:
            traffic.stop()
            store.close()
    _report(traffic.counts, time.monotonic() - begun, console)
    return 0 if traffic.counts.made and not traffic.counts.failed else 1


def _watch(traffic: Traffic, options: argparse.Namespace, progress: Progress) -> None:
    task = progress.add_task("transactions", total=round(options.rate * options.seconds))
    ends_at = time.monotonic() + options.seconds
    traffic.set_interval(1 / options.rate)
    while time.monotonic() < ends_at:
        time.sleep(_POLL_SECONDS)
        progress.update(task, completed=traffic.counts.made)


def _report(counts: Counts, seconds: float, console: Console) -> None:
    made = max(counts.made, 1)
    table = Table(title=f"{counts.made} transactions in {seconds:.0f} s", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right")
    for name, count in (
        ("approved", counts.outcomes[APPROVED]),
        ("review", counts.outcomes[REVIEW]),
    ):
        table.add_row(name, str(count), f"{100 * count / made:.1f} %")
    for code, count in counts.outcomes.most_common():
        if code not in (APPROVED, REVIEW):
            table.add_row(f"declined: {code}", str(count), f"{100 * count / made:.1f} %")
    table.add_section()
    for action, count in counts.actions.most_common():
        table.add_row(action, str(count), f"{100 * count / made:.1f} %")
    table.add_section()
    table.add_row("per second", f"{counts.made / seconds:.1f}", "")
    if taken := sorted(counts.seconds):
        for share in (50, 99):
            value = taken[min(len(taken) * share // 100, len(taken) - 1)]
            table.add_row(f"p{share}", f"{1000 * value:.0f} ms", "")
    table.add_row("failed", str(counts.failed), "")
    table.add_row("left out", str(counts.left_out), "")
    console.print(table)
