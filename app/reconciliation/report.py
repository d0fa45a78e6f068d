"""How the findings are shown: as rows of JSON or CSV, and as a table for the terminal."""

import csv
import io
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.reconciliation.comparison import Action, Finding, Outcome
from app.reconciliation.service import Report

#: What a row has, in this order; what is ours comes last.
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

_MOST_SHOWN: Final = 50
_COLOURS: Final = {Action.CLOSED: "green", Action.CAN_CLOSE: "yellow", Action.NOT_CLOSED: "yellow"}


def row_of(finding: Finding) -> dict[str, Any]:
    """A finding with the names of COLUMNS; None for what there is not."""
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
    """How often each outcome was found, and what was done about it."""
    found = {_camel(outcome): report.count(outcome) for outcome in Outcome}
    done = (Action.CAN_CLOSE, Action.CLOSED, Action.NOT_CLOSED)
    return found | {_camel(action): report.count_done(action) for action in done}


def _camel(name: str) -> str:
    head, *rest = name.lower().split("_")
    return head + "".join(part.title() for part in rest)


def as_csv(report: Report) -> str:
    """Every finding, those that match as well (RFC 4180)."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(row_of(finding) for finding in report.findings)
    return text.getvalue()


def show(report: Report, console: Console) -> None:
    """The counts and the differences, as tables."""
    console.print(f"{report.provider}: {report.since} to {report.until}", highlight=False)
    summary = Table("Finding", "Count")
    for outcome in Outcome:
        summary.add_row(_words(outcome), str(report.count(outcome)))
    for action in _COLOURS:
        if count := report.count_done(action):
            summary.add_row(_words(action), str(count))
    console.print(summary)
    differences = report.differences
    if differences:
        table = Table("Line", "Finding", "Reference", "Bank", "Ours")
        table.columns[1].no_wrap = True
        table.columns[2].overflow = "fold"  # to be copied whole
        for finding in differences[:_MOST_SHOWN]:
            table.add_row(*_cells(finding), style=_COLOURS.get(finding.action, "red"))
        console.print(table)
    if len(differences) > _MOST_SHOWN:
        console.print(f"… and {len(differences) - _MOST_SHOWN} more; --csv writes all of them.")


def _cells(finding: Finding) -> list[str]:
    line, ours = finding.line, finding.ours
    row = row_of(finding)
    action = f", {_words(finding.action)}" if finding.action is not Action.NONE else ""
    return [
        str(line.number) if line else "–",
        _words(finding.outcome) + action,
        escape(row["reference"]),
        f"{row['direction'].lower()} {line.money} {line.money.currency}" if line else "–",
        f"{ours.status} {ours.money} {ours.money.currency}" if ours else "–",
    ]


def _words(name: str) -> str:
    return name.replace("_", " ").lower()
