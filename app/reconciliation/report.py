"""Rendering a report: rows for JSON and CSV."""

from typing import Any, Final

from app.common import csv_documents
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
        "reference": (about.reference or None) if about else None,
        "bankReference": (line.bank_reference or None) if line else None,
        "amount": str(line.money) if line else None,
        "currency": line.money.currency if line else None,
        "ourAmount": str(ours.money) if ours else None,
        "ourCurrency": ours.money.currency if ours else None,
        "ourStatus": ours.status if ours else None,
        "ourId": str(ours.id) if ours else None,
    }


def counts(report: Report) -> dict[str, int]:
    """The number of findings by outcome and by action, and of lines outside the period."""
    found = {_to_camel(outcome): report.count(outcome) for outcome in Outcome}
    done = (Action.CAN_CLOSE, Action.CLOSED, Action.NOT_CLOSED)
    found |= {_to_camel(action): report.count_action(action) for action in done}
    return found | {"outsidePeriod": report.outside}


def _to_camel(name: str) -> str:
    head, *rest = name.lower().split("_")
    return head + "".join(part.title() for part in rest)


def to_csv(report: Report) -> bytes:
    """Every finding, including matches."""
    rows = (to_row(finding) for finding in report.findings)
    return csv_documents.write([COLUMNS, *(_guarded(row) for row in rows)])


def _guarded(row: dict[str, Any]) -> list[Any]:
    """The cells of a row, those with text of the bank without formulas."""
    for name in ("reference", "bankReference"):
        row[name] = csv_documents.escape_formula(row[name])
    return list(row.values())
