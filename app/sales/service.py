"""Sales of a merchant: the list, its export, and summaries."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.common import clock, csv_export
from app.common.pagination import Page, PageRequest
from app.common.time_range import PeriodInvalid, TimeRange
from app.common.time_zone import days_within, local
from app.orders.purchases.service import OrderDetails
from app.sales import repository
from app.sales.daily_sums import service as daily_sums

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_QUARTER: Final = timedelta(minutes=15)

#: Default length of the period before `to`.
DEFAULT_PERIOD: Final = timedelta(days=30)
MAX_PERIOD: Final = timedelta(days=366)
#: Orders read per query.
CHUNK: Final = 5000
#: Number of best-selling products in a summary.
MAX_BEST: Final = 10


def list_sales(
    session: Session, page: PageRequest, *, merchant_id: UUID, **filters: Any
) -> Page[OrderDetails]:
    """The merchant's orders, newest first.

    filters: product_id; buyer_id or buyer_email; status, an OrderStatus; refunded, a RefundState;
    number, of one order; coupon_id; within: when they were created.
    """
    found = repository.SALES.read_page(session, page, merchant_id=merchant_id, **filters)
    return found.with_data(OrderDetails(*row) for row in found.data)


def export(
    *, merchant_id: UUID, reading: Callable[[], AbstractContextManager[Session]], **filters: Any
) -> Iterator[bytes]:
    """All orders of the list as CSV (see `csv_export.export`)."""
    read = partial(repository.export, merchant_id=merchant_id, **filters)
    return csv_export.export(repository.EXPORTED, read, size=CHUNK, reading=reading)


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of sales and refunds, amounts in minor units.

    Orders count when they were completed, and refunds when they were made. discounts: from
    coupons; revenue: paid by buyers; fee_refunds: fees returned with refunds.
    """

    orders: int = 0
    units: int = 0
    discounts: int = 0
    revenue: int = 0
    fees: int = 0
    refunds: int = 0
    fee_refunds: int = 0
    refunded_units: int = 0

    @property
    def gross(self) -> int:
        return self.revenue + self.discounts

    @property
    def net(self) -> int:
        return self.revenue - self.fees - self.refunds + self.fee_refunds


@dataclass(frozen=True, slots=True)
class ProductTotals:
    """A product and its totals."""

    id: UUID
    name: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class DayTotals:
    """The totals of a day, as of Totals."""

    orders: int = 0
    units: int = 0
    revenue: int = 0
    refunds: int = 0
    net: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a merchant's sales in a period. days: each day of the time zone, with its
    totals."""

    since: datetime
    until: datetime
    time_zone: str
    currency: str
    totals: Totals
    buyers: int
    best: Sequence[ProductTotals]
    days: Sequence[tuple[date, DayTotals]]


def get_summary(
    session: Session,
    *,
    merchant_id: UUID,
    currency: str,
    within: TimeRange,
    product_id: UUID | None = None,
) -> Summary:
    """Summarize a period, by default the last 30 days.

    session: reads one snapshot; product_id: only sales of this product. Raises PeriodInvalid.
    """
    since, until = within.closed(now=clock.now(), length=DEFAULT_PERIOD)
    if _on_the_clock(until, within.zone) - _on_the_clock(since, within.zone) > MAX_PERIOD:
        raise PeriodInvalid(f"At most {MAX_PERIOD.days} days before `to`.")
    whose: dict[str, Any] = {
        "merchant_id": merchant_id,
        "product_id": product_id,
        "currency": currency,
    }
    summed, parts = _split(since, until, _DAY, daily_sums.first_unsummed_day(session))
    found = repository.summary(
        session,
        summed_days=(summed[0].date(), summed[1].date()),
        parts=parts,
        best=MAX_BEST,
        **whose,
    )
    *best, whole = found
    return Summary(
        since=since,
        until=until,
        time_zone=within.zone.key,
        currency=currency,
        totals=_totals(whole),
        buyers=whole.buyers,
        best=_best(best),
        days=_days(session, since, until, within.zone, **whose),
    )


@dataclass(frozen=True, slots=True)
class PeriodTotals:
    """The totals of a period, with its buyers and those of them who had not bought before."""

    totals: Totals
    buyers: int
    new_buyers: int
    best: Sequence[ProductTotals]


def get_totals(
    session: Session, *, merchant_id: UUID, currency: str, since: datetime, until: datetime
) -> PeriodTotals:
    """The totals of a period that is not empty. session: reads one snapshot."""
    unsummed = daily_sums.first_unsummed_day(session)
    summed, parts = _split(since, until, _DAY, unsummed)
    first_day = since.astimezone(UTC).date()
    earlier = _EPOCH if unsummed is None else daily_sums.start_of(min(first_day, unsummed))
    *best, whole = repository.summary_with_new_buyers(
        session,
        merchant_id=merchant_id,
        currency=currency,
        summed_days=(summed[0].date(), summed[1].date()),
        first_day=first_day,
        parts=(*parts, (earlier, since)),
        best=MAX_BEST,
    )
    return PeriodTotals(_totals(whole), whole.buyers, whole.new_buyers, _best(best))


def get_days(
    session: Session,
    *,
    merchant_id: UUID,
    currency: str,
    within: tuple[datetime, datetime],
    zone: ZoneInfo,
) -> Sequence[tuple[date, DayTotals]]:
    """Each day of the zone with a part in the period. session: reads one snapshot."""
    return _days(
        session, *within, zone, merchant_id=merchant_id, product_id=None, currency=currency
    )


def _best(rows: Iterable[Any]) -> Sequence[ProductTotals]:
    return [ProductTotals(row.product_id, row.name, _totals(row)) for row in rows]


def _on_the_clock(time: datetime, zone: ZoneInfo) -> datetime:
    """What a clock of the zone shows: a day is 24 hours long there, also when clocks change."""
    return local(time, zone).replace(tzinfo=None)


def _days(
    session: Session, since: datetime, until: datetime, zone: ZoneInfo, **whose: Any
) -> Sequence[tuple[date, DayTotals]]:
    """Each day of the zone with a part in the period, and what was sold on it."""
    days = list(days_within(since, until, zone))
    summed, parts = _split(since, until, _QUARTER, daily_sums.first_day_without_quarters(session))
    rows = repository.days(
        session,
        starts=[start for _, start in days],
        summed_quarters=summed,
        parts=parts,
        **whose,
    )
    totals = {number: DayTotals(*figures) for number, *figures in rows}
    return [(day, totals.get(number, DayTotals())) for number, (day, _) in enumerate(days, 1)]


def _split(
    since: datetime, until: datetime, unit: timedelta, unsummed: date | None
) -> tuple[repository.Part, Sequence[repository.Part]]:
    """The part of a period that has been summed, and the parts before and after it.

    unit: what is summed as a whole, from midnight (UTC) on; unsummed: the first day that has not
    been. One or all of the parts may be empty.
    """
    first = since + (_EPOCH - since) % unit
    beyond = until - (until - _EPOCH) % unit
    if unsummed is not None:
        beyond = min(beyond, daily_sums.start_of(unsummed))
    if unsummed is None or first >= beyond:
        return (since, since), ((since, until), (until, until))
    return (first, beyond), ((since, first), (beyond, until))


def _totals(row: Any) -> Totals:
    return Totals(*(getattr(row, count.name) for count in fields(Totals)))
