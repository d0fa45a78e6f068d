"""Sales of a merchant: the list, its export, and summaries."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.pagination import Page, PageRequest, read_batches
from app.common.time_range import TimeRange
from app.orders.models import OrderStatus
from app.orders.purchases.service import OrderDetails
from app.sales import repository
from app.sales.errors import PeriodInvalid

#: Default length of the period before `to`.
DEFAULT_PERIOD: Final = timedelta(days=30)
MAX_PERIOD: Final = timedelta(days=366)
#: Number of best-selling products in a summary.
MAX_BEST: Final = 10
#: Orders read per query.
CHUNK: Final = 1000

_PAID: Final = (OrderStatus.COMPLETED, OrderStatus.REFUNDED)


def list_sales(
    session: Session, page: PageRequest, *, merchant_id: UUID, **filters: Any
) -> Page[OrderDetails]:
    """The merchant's orders, newest first.

    filters: product_id; status, an OrderStatus; within: when they were created.
    """
    found = repository.list_sales(session, page, merchant_id=merchant_id, **filters)
    return found.with_data(OrderDetails(*row) for row in found.data)


def chunks(
    *, merchant_id: UUID, reading: Callable[[], AbstractContextManager[Session]], **filters: Any
) -> Iterator[Sequence[Any]]:
    """All orders of `sales`, newest first, in batches (see read_batches)."""
    read = partial(repository.rows, merchant_id=merchant_id, **filters)
    return read_batches(read, size=CHUNK, reading=reading)


def net_of(row: Any) -> int:
    """The merchant's net earnings from an order so far, in minor units; 0 unless it was paid."""
    if row.status not in _PAID:
        return 0
    return int(row.amount - row.fee - row.refunded_amount + row.refunded_fee)


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

    product_id: only sales of this product. Raises PeriodInvalid.
    """
    since, until = within.closed(now=clock.now(), length=DEFAULT_PERIOD)
    _require_valid(since, until)
    rows = list(
        repository.summary(
            session,
            merchant_id=merchant_id,
            product_id=product_id,
            currency=currency,
            since=since,
            until=until,
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


def _require_valid(since: datetime, until: datetime) -> None:
    if since >= until:
        raise PeriodInvalid("Must be before `to`, and in the past.")
    if until - since > MAX_PERIOD:
        raise PeriodInvalid(f"At most {MAX_PERIOD.days} days before `to`.")


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day, last = since.date(), (until - timedelta(microseconds=1)).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _totals(row: Any) -> Totals:
    return Totals(
        orders=int(row.orders),
        units=int(row.units),
        discounts=int(row.discount),
        revenue=int(row.revenue),
        fees=int(row.fee),
        refunds=int(row.refunded),
        fee_refunds=int(row.fee_refunded),
        refunded_units=int(row.units_refunded),
    )
