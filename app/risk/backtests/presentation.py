"""Backtests as administrators see them: with formatted amounts, progress and precision."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.common.money import format_minor
from app.risk.backtests import report, service
from app.risk.backtests.models import RiskBacktest
from app.risk.past import Ending


def presented(backtest: RiskBacktest) -> dict[str, Any]:
    """What BacktestOut shows."""
    found = backtest.report
    return {
        "id": backtest.id,
        "status": backtest.status,
        "progress": service.progress(backtest),
        "rule_id": backtest.rule["id"],
        "key": backtest.rule["key"],
        "version": backtest.rule["version"],
        "ruleset": backtest.ruleset,
        "starts_at": backtest.starts_at,
        "ends_at": backtest.ends_at,
        "evaluated": found["evaluated"],
        "not_evaluable": found["notEvaluable"],
        "skipped": found["skipped"],
        "draft": _side(found["draft"]),
        "active": _side(found["active"]),
        "created_by": backtest.created_by,
        "created_at": backtest.created_at,
        "finished_at": backtest.finished_at,
    }


def _side(side: Mapping[str, Any]) -> dict[str, Any]:
    endings = side["endings"]
    return {
        "matched": side["matched"],
        "reviewed": side["reviewed"],
        "declined": side["declined"],
        "blocked": _formatted(side["blocked"]),
        "endings": {ending.value.lower(): _counted(endings[ending.value]) for ending in Ending},
        "precision": report.precision(side),
        "missed": _counted(side["missed"]),
        "all_reviewed": side["allReviewed"],
        "all_declined": side["allDeclined"],
        "mistakes": [_mistake(one) for one in side["mistakes"]],
    }


def _mistake(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mistake": one["mistake"],
        "decision_id": one["decisionId"],
        "user_id": one["userId"],
        "kind": one["kind"],
        "amount": one["amount"],
        "currency": one["currency"],
        "outcome": one["outcome"],
        "ending": one["ending"],
        "reasons": one["reasons"],
        "created_at": datetime.fromisoformat(one["createdAt"]),
    }


def _counted(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"count": found["count"], "value": _formatted(found["value"])}


def _formatted(values: Mapping[str, int]) -> dict[str, str]:
    return {currency: format_minor(value, currency) for currency, value in values.items()}
