"""How much of the error budgets is left, and how fast they are used up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from app.common import clock
from app.insights.objectives.objective import (
    ALERTS,
    WINDOWS,
    Alert,
    Objective,
    ObjectiveName,
    objectives,
    window_name,
)
from app.insights.requests import service as requests
from app.insights.requests.service import Requests
from app.insights.uptime import service as uptimes
from app.insights.uptime.service import Uptime


@dataclass(frozen=True, slots=True)
class BurnRate:
    """rate: 1 if the budget is used up exactly at the end of the objective's window; None without
    requests."""

    window: str
    requests: int
    bad: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class AlertState:
    alert: Alert
    burn_rate: float
    is_firing: bool

    @property
    def severity(self) -> str:
        return self.alert.severity

    @property
    def long(self) -> str:
        return window_name(self.alert.long)

    @property
    def short(self) -> str:
        return window_name(self.alert.short)


@dataclass(frozen=True, slots=True)
class ObjectiveState:
    """bad: the requests of the window that are not as they should be; threshold_ms: of the
    latency."""

    objective: Objective
    threshold_ms: int | None
    requests: int
    bad: int
    burn_rates: Sequence[BurnRate]
    alerts: Sequence[AlertState]

    @property
    def name(self) -> str:
        return self.objective.name

    @property
    def target(self) -> float:
        return float(self.objective.percent)

    @property
    def percent(self) -> float | None:
        """Of good requests; None without requests."""
        good = self.requests - self.bad
        return round(100 * good / self.requests, 4) if self.requests else None

    @property
    def is_met(self) -> bool:
        return self.bad <= self.allowed

    @property
    def allowed(self) -> int:
        """The requests that may be bad."""
        return int(self.objective.budget * self.requests)

    @property
    def budget_left(self) -> float | None:
        """Per cent of the error budget; negative if it is exceeded, None without requests."""
        if not self.requests:
            return None
        return round(float(100 - 100 * self.bad / (self.objective.budget * self.requests)), 2)


@dataclass(frozen=True, slots=True)
class ObjectiveReport:
    since: datetime
    until: datetime
    objectives: Sequence[ObjectiveState]
    uptime: Uptime


def get_report(session: Session) -> ObjectiveReport:
    declared = objectives()
    windows = {length: requests.of_window(session, length) for length in WINDOWS}
    whole = requests.of_window(session, declared.window)
    return ObjectiveReport(
        since=whole.since,
        until=clock.now(),
        objectives=[_state(objective, whole, windows) for objective in declared.all],
        uptime=uptimes.get_uptime(session, since=whole.since),
    )


def _state(
    objective: Objective, whole: Requests, windows: Mapping[timedelta, Requests]
) -> ObjectiveState:
    rates = {length: _rate(objective, found) for length, found in windows.items()}
    is_latency = objective.name is ObjectiveName.LATENCY
    return ObjectiveState(
        objective=objective,
        threshold_ms=objectives().threshold_ms if is_latency else None,
        requests=whole.total,
        bad=_bad(objective, whole),
        burn_rates=[
            BurnRate(
                window=window_name(length),
                requests=found.total,
                bad=_bad(objective, found),
                rate=_rounded(rates[length]),
            )
            for length, found in windows.items()
        ],
        alerts=[_alert(alert, rates) for alert in ALERTS],
    )


def _bad(objective: Objective, found: Requests) -> int:
    if objective.name is ObjectiveName.LATENCY:
        return found.slower_than(objectives().threshold_ms)
    return found.errors


def _rate(objective: Objective, found: Requests) -> Decimal | None:
    if not found.total:
        return None
    return Decimal(_bad(objective, found)) / found.total / objective.budget


def _alert(alert: Alert, rates: Mapping[timedelta, Decimal | None]) -> AlertState:
    limit = alert.burn_rate(objectives().window)
    is_firing = all((rates[length] or 0) > limit for length in (alert.long, alert.short))
    return AlertState(alert, round(float(limit), 2), is_firing)


def _rounded(rate: Decimal | None) -> float | None:
    return None if rate is None else round(float(rate), 4)
