"""The report of a backtest: counts that each batch of attempts adds to, as JSON.

    {"evaluated": 900, "notEvaluable": 20, "skipped": {"velocity@1": 3},
     "draft": SIDE, "active": SIDE}

A SIDE is what one version would have done: the attempts that it matches, those of them that would
have been reviewed or declined, with their value in minor units by currency and what became of them,
the bad ones that nothing would have stopped, and the most expensive mistakes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.common.clock import format_timestamp
from app.risk.evaluation import Result
from app.risk.models import Outcome
from app.risk.past import BAD, Ending, PastAttempt

#: Mistakes that are kept, per currency: amounts of different currencies do not compare.
MAX_MISTAKES: Final = 10

Report = dict[str, Any]


def new() -> Report:
    return {
        "evaluated": 0,
        "notEvaluable": 0,
        "skipped": {},
        "draft": _new_side(),
        "active": _new_side(),
    }


def _new_side() -> dict[str, Any]:
    return {
        "matched": 0,
        "reviewed": 0,
        "declined": 0,
        "blocked": {},
        "endings": {ending.value: {"count": 0, "value": {}} for ending in Ending},
        "missed": {"count": 0, "value": {}},
        "allReviewed": 0,
        "allDeclined": 0,
        "mistakes": [],
    }


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An attempt, what became of it, and what each of the rulesets decides about it."""

    attempt: PastAttempt
    ending: Ending
    draft: Result
    active: Result


def add(report: Report, one: Evaluated, *, names: Mapping[str, str | None]) -> None:
    """Add an attempt to a report. names: of the versions that `draft` and `active` are about, such
    as `velocity@2`; None where no version is active.

    An attempt for which one of them reads something unknown counts on neither side.
    """
    results = {"draft": one.draft, "active": one.active}
    if any(names[side] in result.skipped for side, result in results.items()):
        report["notEvaluable"] += 1
        return
    report["evaluated"] += 1
    for name in {*one.draft.skipped, *one.active.skipped}:
        report["skipped"][name] = report["skipped"].get(name, 0) + 1
    for side, result in results.items():
        _add_to_side(report[side], one, result, names[side])


def _add_to_side(side: dict[str, Any], one: Evaluated, result: Result, name: str | None) -> None:
    row = one.attempt.decision
    is_blocked = result.outcome is not Outcome.APPROVE
    side["allReviewed"] += result.outcome is Outcome.REVIEW
    side["allDeclined"] += result.outcome is Outcome.DECLINE
    mistake = None
    if name in result.reasons:
        side["matched"] += 1
        if is_blocked:
            side["reviewed"] += result.outcome is Outcome.REVIEW
            side["declined"] += result.outcome is Outcome.DECLINE
            _add_value(side["blocked"], row)
            found = side["endings"][one.ending.value]
            found["count"] += 1
            _add_value(found["value"], row)
            if one.ending is Ending.FINE:
                mistake = "BLOCKED"
    if not is_blocked and one.ending in BAD:
        side["missed"]["count"] += 1
        _add_value(side["missed"]["value"], row)
        mistake = "MISSED"
    if mistake is not None:
        side["mistakes"] = _most_expensive(
            [*side["mistakes"], _mistake(mistake, one, result)], row.currency
        )


def _add_value(values: dict[str, int], row: Any) -> None:
    values[row.currency] = values.get(row.currency, 0) + row.amount


def _mistake(kind: str, one: Evaluated, result: Result) -> dict[str, Any]:
    row = one.attempt.decision
    return {
        "mistake": kind,
        "decisionId": str(row.id),
        "userId": str(row.user_id),
        "kind": row.kind,
        "amount": row.amount,
        "currency": row.currency,
        "outcome": result.outcome.value,
        "ending": one.ending.value,
        "reasons": list(result.reasons),
        "createdAt": format_timestamp(row.created_at),
    }


def _most_expensive(mistakes: list[dict[str, Any]], currency: str) -> list[dict[str, Any]]:
    others = [one for one in mistakes if one["currency"] != currency]
    of_currency = [one for one in mistakes if one["currency"] == currency]
    of_currency.sort(key=lambda one: (-one["amount"], one["decisionId"]))
    return [*others, *of_currency[:MAX_MISTAKES]]


def precision(side: Mapping[str, Any]) -> str | None:
    """The part of the stopped attempts that were bad, of those whose ending says so, as a decimal
    string with four decimals; None without any."""
    counts = {ending: side["endings"][ending.value]["count"] for ending in Ending}
    bad = sum(counts[ending] for ending in BAD)
    known = bad + counts[Ending.FINE]
    if not known:
        return None
    share = (bad * 10_000 + known // 2) // known
    return f"{share // 10_000}.{share % 10_000:04}"
