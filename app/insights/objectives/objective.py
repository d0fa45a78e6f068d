"""Service level objectives, and when using up their error budgets is worth an alert.

After the SRE workbook of Google, chapter 5, "Multiwindow, multi-burn-rate alerts":
https://sre.google/workbook/alerting-on-slos/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Self

from app.common.process_state import Slot
from app.common.settings import Settings


class ObjectiveName(StrEnum):
    """AVAILABILITY: requests that are not answered with a status of 500 or more. LATENCY: those
    that are answered in time."""

    AVAILABILITY = "AVAILABILITY"
    LATENCY = "LATENCY"


class Severity(StrEnum):
    """PAGE: somebody is needed now. TICKET: within days."""

    PAGE = "PAGE"
    TICKET = "TICKET"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires when a part of the error budget is used up within a window.

    budget: the part of it; long: the window; short: it must still be used up so fast in this one,
    so that the alert ends soon after its cause.
    """

    severity: Severity
    budget: Decimal
    long: timedelta
    short: timedelta

    def burn_rate(self, window: timedelta) -> Decimal:
        """The speed from which on it fires, where 1 uses up the budget of `window` exactly."""
        seconds = Decimal(window // timedelta(seconds=1))
        return self.budget * seconds / (self.long // timedelta(seconds=1))


ALERTS: Final = (
    Alert(Severity.PAGE, Decimal("0.02"), timedelta(hours=1), timedelta(minutes=5)),
    Alert(Severity.PAGE, Decimal("0.05"), timedelta(hours=6), timedelta(minutes=30)),
    Alert(Severity.TICKET, Decimal("0.10"), timedelta(days=1), timedelta(hours=2)),
    Alert(Severity.TICKET, Decimal("0.10"), timedelta(days=3), timedelta(hours=6)),
)
#: The windows of all alerts, the shortest first.
WINDOWS: Final = tuple(sorted({length for alert in ALERTS for length in (alert.short, alert.long)}))


@dataclass(frozen=True, slots=True)
class Objective:
    """percent: of the requests that are to be good."""

    name: ObjectiveName
    percent: Decimal

    @property
    def budget(self) -> Decimal:
        """The share of requests that may be bad."""
        return 1 - self.percent / 100


@dataclass(frozen=True, slots=True)
class Objectives:
    """The objectives of this installation. window: the period that they are about; threshold_ms:
    requests that take longer are slow, one of the bounds of durations."""

    availability: Objective
    latency: Objective
    threshold_ms: int
    window: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            availability=Objective(ObjectiveName.AVAILABILITY, settings.slo_availability),
            latency=Objective(ObjectiveName.LATENCY, settings.slo_latency),
            threshold_ms=settings.slo_latency_ms,
            window=settings.slo_window,
        )

    @property
    def all(self) -> Sequence[Objective]:
        return (self.availability, self.latency)


#: The objectives that this process knows.
objectives: Final[Slot[Objectives]] = Slot("objectives")


def window_name(length: timedelta) -> str:
    """As in PromQL: `5m`, `1h`, `3d`."""
    seconds = length // timedelta(seconds=1)
    for unit, name in ((24 * 60 * 60, "d"), (60 * 60, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"
