"""Sales of a merchant: the list, its export, and summaries."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock, csv_export
from app.common.pagination import Page, PageRequest
from app.common.time_range import PeriodInvalid, TimeRange
from app.orders.purchases.service import OrderDetails
from app.sales import repository
from app.sales.daily_sums import service as daily_sums

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

    filters: product_id; status, an OrderStatus; number, of one order; within: when they were
    created.
    """
    found = repository.list_sales(session, page, merchant_id=merchant_id, **filters)
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
class Summary:
    """Summary of a merchant's sales in a period. days: each day (UTC) with its totals."""

    since: datetime
    until: datetime
    currency: str
    totals: Totals
    buyers: int
    best: Sequence[ProductTotals]
    days: Sequence[tuple[date, Totals]]


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
    if until - since > MAX_PERIOD:
        raise PeriodInvalid(f"At most {MAX_PERIOD.days} days before `to`.")
    summed_days, parts = _split(since, until, daily_sums.first_unsummed_day(session))
    rows = list(
        repository.summary(
            session,
            merchant_id=merchant_id,
            product_id=product_id,
            currency=currency,
            summed_days=summed_days,
            parts=parts,
            best=MAX_BEST,
        )
    )
    (whole,) = (row for row in rows if row.part == repository.WHOLE)
    days = {row.day: _totals(row) for row in rows if row.part == repository.DAY}
    return Summary(
        since=since,
        until=until,
        currency=currency,
        totals=_totals(whole),
        buyers=whole.buyers,
        best=[
            ProductTotals(row.product_id, row.name, _totals(row))
            for row in rows
            if row.part == repository.PRODUCT
        ],
        days=[(day, days.get(day, Totals())) for day in _days(since, until)],
    )


def _split(
    since: datetime, until: datetime, unsummed: date | None
) -> tuple[tuple[date, date], Sequence[tuple[datetime, datetime]]]:
    """The whole days of a period that have been summed, and the parts before and after them.

    unsummed: the first day that has not been summed. Returns the first day and the one after the
    last, and two parts, of which one or both may be empty.
    """
    midnight = daily_sums.start_of(since.date())
    first = since.date() if since == midnight else since.date() + timedelta(days=1)
    beyond = until.date() if unsummed is None else min(until.date(), unsummed)
    if unsummed is None or first >= beyond:
        return (first, first), ((since, until), (until, until))
    parts = (since, daily_sums.start_of(first)), (daily_sums.start_of(beyond), until)
    return (first, beyond), parts


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day, last = since.date(), (until - timedelta(microseconds=1)).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _totals(row: Any) -> Totals:
    return Totals(*(getattr(row, count.name) for count in fields(Totals)))
