"""The objectives as recording and alert rules of Prometheus."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Final

from app.insights.objectives.objective import (
    ALERTS,
    WINDOWS,
    Alert,
    Objective,
    ObjectiveName,
    Objectives,
    Severity,
    window_name,
)

#: The rules of the default settings, in the project.
FILE: Final = "deploy/prometheus/rules/objectives.yml"

_METRIC: Final = "payment_flow_answered_requests_total"
_BAD: Final = {
    ObjectiveName.AVAILABILITY: 'failed="true"',
    ObjectiveName.LATENCY: 'slow="true"',
}
#: How long an alert must be true before it fires.
_FOR: Final = {Severity.PAGE: "2m", Severity.TICKET: "15m"}

_HEAD: Final = """\
# Generated from the settings of objectives by `./flow settings --write`; for other settings,
# by `./flow settings --prometheus`. docs/insights.md explains them.
groups:
"""


def rules(declared: Objectives) -> str:
    """The file of rules, in YAML."""
    return (
        _HEAD
        + "\n".join(line for objective in declared.all for line in _group(declared, objective))
        + "\n"
    )


def _group(declared: Objectives, objective: Objective) -> Iterator[str]:
    name = objective.name.lower()
    yield f"  - name: payment_flow_{name}"
    yield "    rules:"
    for length in (*WINDOWS, declared.window):
        yield from _recorded(objective, length)
    yield f"      - record: payment_flow:{name}_budget_left:ratio"
    ratio = _ratio(objective, declared.window)
    yield f"        expr: 1 - {ratio} / {_number(objective.budget)}"
    for alert in ALERTS:
        yield from _alert(declared, objective, alert)


def _ratio(objective: Objective, length: timedelta) -> str:
    return f"payment_flow:{objective.name.lower()}_bad:ratio_rate{window_name(length)}"


def _recorded(objective: Objective, length: timedelta) -> Iterator[str]:
    window = window_name(length)
    bad = f"{_METRIC}{{{_BAD[objective.name]}}}"
    yield f"      - record: {_ratio(objective, length)}"
    yield f"        expr: sum(rate({bad}[{window}])) / sum(rate({_METRIC}[{window}]))"


def _alert(declared: Objectives, objective: Objective, alert: Alert) -> Iterator[str]:
    name = objective.name.capitalize()
    limit = _number(alert.burn_rate(declared.window) * objective.budget)
    long, short = window_name(alert.long), window_name(alert.short)
    share = f"{_number(alert.budget * 100)}%"
    yield f"      - alert: PaymentFlow{name}{alert.severity.capitalize()}{long}"
    yield (
        f"        expr: {_ratio(objective, alert.long)} > {limit}"
        f" and {_ratio(objective, alert.short)} > {limit}"
    )
    yield f"        for: {_FOR[alert.severity]}"
    yield "        labels:"
    yield f"          severity: {alert.severity.lower()}"
    yield "        annotations:"
    yield f'          summary: "{_summary(declared, objective)}"'
    yield (
        f'          description: "{share} of the error budget of'
        f" {window_name(declared.window)} was used up within {long}, and it goes on"
        f' (window of {short})."'
    )


def _summary(declared: Objectives, objective: Objective) -> str:
    target = f"the objective is {_number(objective.percent)}%"
    if objective.name is ObjectiveName.LATENCY:
        return f"Too many requests take longer than {declared.threshold_ms} ms; {target} in time."
    return f"Too many requests fail with a status of 500 or more; {target} without."


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"
