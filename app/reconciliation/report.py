"""Rendering a report: rows for JSON and CSV."""

import csv
import io
from typing import Any, Final

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
