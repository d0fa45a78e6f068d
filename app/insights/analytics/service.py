"""Analytics of a merchant: a period of sales, and the one before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.time_range import PeriodInvalid, TimeRange
from app.common.time_zone import local, start_of
from app.insights.analytics import repository
from app.insights.analytics.periods import get_sales
from app.insights.transactions.service import round_half_up
from app.orders.models import OrderStatus
from app.sales.service import DayTotals, PeriodTotals, ProductTotals, Totals

#: Days of the period by default.
DEFAULT_DAYS: Final = 30
#: The longest period: a quarter of a year, however its days are counted.
MAX_DAYS: Final = 93


@dataclass(frozen=True, slots=True)
class Checkouts:
    """Checkouts by card that were begun in a period, by how they ended. unpaid: the time to pay
    them is over; open: they can still be paid."""

    paid: int
    unpaid: int
    cancelled: int
    open: int

    @property
    def begun(self) -> int:
        return self.paid + self.unpaid + self.cancelled + self.open

    @property
    def conversion(self) -> float | None:
        """Per cent of those that have ended which were paid; None without any."""
        return _percent(self.paid, self.begun - self.open)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a period, amounts in minor units."""

    since: datetime
    until: datetime
    currency: str
    totals: Totals
    buyers: int
    new_buyers: int
    checkouts: Checkouts

    @property
    def returning_buyers(self) -> int:
        return self.buyers - self.new_buyers

    @property
    def average_order(self) -> int | None:
        """The revenue of an order, rounded; None without any."""
        totals = self.totals
        return round_half_up(totals.revenue, totals.orders) if totals.orders else None

    @property
    def refund_rate(self) -> float | None:
        """Refunds in per cent of the revenue; None without any."""
        return _percent(self.totals.refunds, self.totals.revenue)


@dataclass(frozen=True, slots=True)
class Changes:
    """By how many per cent figures have grown; None for one that was zero or less."""

    orders: float | None
    units: float | None
    revenue: float | None
    net: float | None
    buyers: float | None
    new_buyers: float | None

    @classmethod
    def between(cls, before: Figures, now: Figures) -> Self:
        old, new = before.totals, now.totals
        return cls(
            orders=_growth(old.orders, new.orders),
            units=_growth(old.units, new.units),
            revenue=_growth(old.revenue, new.revenue),
            net=_growth(old.net, new.net),
            buyers=_growth(before.buyers, now.buyers),
            new_buyers=_growth(before.new_buyers, now.new_buyers),
        )


@dataclass(frozen=True, slots=True)
class Report:
    """before: of the period of the same length that ends where this one begins; days: each day of
    the time zone, with its totals."""

    time_zone: str
    currency: str
    current: Figures
    before: Figures
    changes: Changes
    best: Sequence[ProductTotals]
    days: Sequence[tuple[date, DayTotals]]


def get_report(session: Session, *, merchant_id: UUID, currency: str, within: TimeRange) -> Report:
    """The sales of a period, by default of the 30 days of the time zone before today.

    session: reads one snapshot. Raises PeriodInvalid.
    """
    since, until = _period(within)
    found = get_sales(
        session,
        merchant_id=merchant_id,
        currency=currency,
        since=since,
        until=until,
        zone=within.zone,
    )

    def figures(since: datetime, until: datetime, sold: PeriodTotals) -> Figures:
        return Figures(
            since=since,
            until=until,
            currency=currency,
            totals=sold.totals,
            buyers=sold.buyers,
            new_buyers=sold.new_buyers,
            checkouts=_checkouts(session, merchant_id, since, until),
        )

    current = figures(since, until, found.current)
    before = figures(since - (until - since), since, found.before)
    return Report(
        time_zone=within.zone.key,
        currency=currency,
        current=current,
        before=before,
        changes=Changes.between(before, current),
        best=found.current.best,
        days=found.days,
    )


def _period(within: TimeRange) -> tuple[datetime, datetime]:
    """The beginning and the end. Raises PeriodInvalid."""
    now = clock.now()
    if within.since is None:
        # Whole days: compared with others, one that is not over would look like a loss.
        until = within.until or start_of(local(now, within.zone).date(), within.zone)
        first = local(until, within.zone).date() - timedelta(days=DEFAULT_DAYS)
        within = TimeRange(start_of(first, within.zone), until, within.zone)
    since, until = within.closed(now=now, length=timedelta(days=DEFAULT_DAYS))
    # With an hour that clocks may have been set back by.
    if until - since > timedelta(days=MAX_DAYS, hours=1):
        raise PeriodInvalid(f"At most {MAX_DAYS} days before `to`.")
    return since, until


def _checkouts(session: Session, merchant_id: UUID, since: datetime, until: datetime) -> Checkouts:
    counts = repository.count_checkouts(session, merchant_id=merchant_id, since=since, until=until)
    return Checkouts(
        paid=counts.get(OrderStatus.COMPLETED, 0) + counts.get(OrderStatus.REFUNDED, 0),
        unpaid=counts.get(OrderStatus.FAILED, 0),
        cancelled=counts.get(OrderStatus.CANCELLED, 0),
        open=counts.get(OrderStatus.PENDING, 0),
    )


def _growth(before: int, now: int) -> float | None:
    return round(100 * (now - before) / before, 2) if before > 0 else None


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None
