"""Results as tables for people and as JSON for programs."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from bench.measurement import Result
from bench.targets import Results, TargetResult

_MISSING = ""

#: Heading, field of Result, decimal places.
_COLUMNS = (
    ("per s", "per_second", 0),
    ("p50", "p50", 1),
    ("p95", "p95", 1),
    ("p99", "p99", 1),
    ("web", "web_cpu", 2),
    ("db", "database_cpu", 2),
    ("load", "load_cpu", 2),
    ("PSS", "pss_mb", 0),
    ("batch", "batch", 1),
    ("wait", "wait", 1),
    ("retries", "retries", 0),
)


def show(console: Console, results: Results, targets: Iterable[TargetResult]) -> None:
    console.print(scenarios_table(results))
    console.print(
        "p50, p95, p99: ms. web, db, load: ms of CPU per request of the web server, PostgreSQL and"
        " the load generator.\nPSS: MB of the largest web process, with its share of common memory."
        " batch: purchases per transaction. wait: ms in the purchase queue."
        " retries: of transactions.",
        style="dim",
    )
    console.print(targets_table(targets))


def scenarios_table(results: Results) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("Scenario", no_wrap=True)
    for heading, *_ in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Outcomes", overflow="fold")
    for name, result in results.items():
        numbers = (_number(getattr(result, field), digits) for _, field, digits in _COLUMNS)
        table.add_row(name, *numbers, _outcomes(result))
    return table


def _number(value: float | None, digits: int) -> str:
    return _MISSING if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _outcomes(result: Result) -> str:
    """Expected outcomes by status only; unexpected ones in full, in red."""
    expected = [f"{n.split()[0]}: {c}" for n, c in result.outcomes.items() if n not in result.wrong]
    unexpected = [f"[red]{name}: {count}[/]" for name, count in result.wrong.items()]
    return ", ".join(expected + unexpected)


def targets_table(targets: Iterable[TargetResult]) -> Table:
    """One row per target: the result, the bound that it must meet and the goal beyond it."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("Target", no_wrap=True)
    for heading in ("result", "target", "goal"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    labels = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}
    for result in targets:
        target = result.target
        bound = (
            f"≥ {target.at_least:g}"
            if target.at_least is not None
            else f"≤ {target.at_most:g}"
            if target.at_most is not None
            else _MISSING
        )
        aim = f"{target.aim:g}" if target.aim is not None else _MISSING
        table.add_row(target.name, f"{result.value:.2f}", bound, aim, labels[result.is_met])
    return table


def as_json(
    results: Results, targets: Iterable[TargetResult], *, conditions: Mapping[str, Any]
) -> str:
    """conditions: how the benchmark was run, such as the seconds per scenario."""
    evaluated = [
        {
            "name": r.target.name,
            "reached": round(r.value, 3),
            "atLeast": r.target.at_least,
            "atMost": r.target.at_most,
            "aim": r.target.aim,
            "met": r.is_met,
        }
        for r in targets
    ]
    scenarios = {name: asdict(result) for name, result in results.items()}
    return json.dumps(
        {"conditions": conditions, "targets": evaluated, "scenarios": scenarios}, indent=1
    )
