"""Rendering a report: rows for JSON and CSV, and tables for the terminal."""

import csv
import io
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.reconciliation.comparison import Action, Finding, Outcome
from app.reconciliation.service import Report

#: The columns of a row in order: the statement's, then ours.
COLUMNS: Final = (
    "outcome",
    "action",
    "line",
    "date",
    "direction",
    "reference",
    "bankReference",
    "amount",
    "currency",
    "ourAmount",
    "ourCurrency",
    "ourStatus",
    "ourId",
)

_MAX_ROWS_SHOWN: Final = 50
_COLOURS: Final = {Action.CLOSED: "green", Action.CAN_CLOSE: "yellow", Action.NOT_CLOSED: "yellow"}


def to_row(finding: Finding) -> dict[str, Any]:
    """A finding by the names of COLUMNS, with None for values that do not exist."""
    line, ours = finding.line, finding.ours
    about = line or ours
    return {
        "outcome": finding.outcome.value,
        "action": finding.action.value,
        "line": line.number if line else None,
        "date": line.date.isoformat() if line else None,
        "direction": about.direction.value if about else None,
        "reference": about.reference if about else None,
        "bankReference": line.bank_reference if line else None,
        "amount": str(line.money) if line else None,
        "currency": line.money.currency if line else None,
        "ourAmount": str(ours.money) if ours else None,
        "ourCurrency": ours.money.currency if ours else None,
        "ourStatus": ours.status if ours else None,
        "ourId": str(ours.id) if ours else None,
    }


def counts(report: Report) -> dict[str, int]:
    """The number of findings by outcome, and by action."""
    found = {_to_camel(outcome): report.count(outcome) for outcome in Outcome}
    done = (Action.CAN_CLOSE, Action.CLOSED, Action.NOT_CLOSED)
    return found | {_to_camel(action): report.count_action(action) for action in done}


def _to_camel(name: str) -> str:
    head, *rest = name.lower().split("_")
    return head + "".join(part.title() for part in rest)


def to_csv(report: Report) -> str:
    """Every finding, including matches (RFC 4180)."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(to_row(finding) for finding in report.findings)
    return text.getvalue()


def print_report(report: Report, console: Console) -> None:
    """Print the counts and the differences as tables."""
    console.print(f"{report.provider}: {report.since} to {report.until}", highlight=False)
    summary = Table("Finding", "Count")
    for outcome in Outcome:
        summary.add_row(_to_words(outcome), str(report.count(outcome)))
    for action in _COLOURS:
        if count := report.count_action(action):
            summary.add_row(_to_words(action), str(count))
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
        escape(row["reference"]),
        f"{row['direction'].lower()} {line.money} {line.money.currency}" if line else "–",
        f"{ours.status} {ours.money} {ours.money.currency}" if ours else "–",
    ]


def _to_words(name: str) -> str:
    return name.replace("_", " ").lower()
