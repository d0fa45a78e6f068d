"""Printing a report as tables on the terminal: not part of the web process."""

from datetime import timedelta
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.reconciliation.comparison import Action, Finding, Outcome
from app.reconciliation.report import to_row
from app.reconciliation.service import Report

_MAX_ROWS_SHOWN: Final = 50
_COLOURS: Final = {Action.CLOSED: "green", Action.CAN_CLOSE: "yellow", Action.NOT_CLOSED: "yellow"}


def print_report(report: Report, console: Console) -> None:
    """Print the counts and the differences as tables."""
    last = report.until - timedelta(days=1)
    console.print(
        f"{report.provider}: {report.since} to {last}, inclusive ({report.time_zone})",
        highlight=False,
    )
    summary = Table("Finding", "Count")
    for outcome in Outcome:
        summary.add_row(_to_words(outcome), str(report.count(outcome)))
    for action in _COLOURS:
        if count := report.count_action(action):
            summary.add_row(_to_words(action), str(count))
    if report.outside:
        summary.add_row("Outside the period", str(report.outside))
    console.print(summary)
    differences = report.differences
    if differences:
        table = Table("Line", "Finding", "Reference", "Bank", "Ours")
        table.columns[1].no_wrap = True
        table.columns[2].overflow = "fold"  # so that it can be copied
        for finding in differences[:_MAX_ROWS_SHOWN]:
            table.add_row(*_cells(finding), style=_COLOURS.get(finding.action, "red"))
        console.print(table)
    if len(differences) > _MAX_ROWS_SHOWN:
        console.print(f"… and {len(differences) - _MAX_ROWS_SHOWN} more; --csv writes them all.")


def _cells(finding: Finding) -> list[str]:
    line, ours = finding.line, finding.ours
    row = to_row(finding)
    action = f", {_to_words(finding.action)}" if finding.action is not Action.NONE else ""
    return [
        str(line.number) if line else "–",
        _to_words(finding.outcome) + action,
        escape(row["reference"] or row["bankReference"] or "–"),
        f"{row['direction'].lower()} {line.money} {line.money.currency}" if line else "–",
        f"{ours.status} {ours.money} {ours.money.currency}" if ours else "–",
    ]


def _to_words(name: str) -> str:
    return name.replace("_", " ").lower()
