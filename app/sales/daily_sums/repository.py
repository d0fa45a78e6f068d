"""SQL of the sums of past days."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import Base
from app.common.id_ranges import ids_within
from app.orders.models import Order
from app.sales.daily_sums.models import (
    BuyerDay,
    DailyBuyers,
    DailySales,
    QuarterHourSales,
    SummedDay,
)
from app.sales.lines import FIGURES, QUARTER_HOUR, SUMS, lines

_OF_DAY: Final = lines(
    ":since",
    ":until",
    wallet_orders="o.id >= :first AND o.id < :beyond",
    gateway_orders="true",
    refunds="r.id >= :first AND r.id < :beyond",
)

# All of them in the order of the keys: what is read together is in the same pages.
_SALES: Final = f"""
    SELECT merchant_id, currency, CAST(:day AS date) AS day, product_id, {SUMS}
    FROM ({_OF_DAY}) found
    GROUP BY merchant_id, currency, product_id
    ORDER BY merchant_id, currency, product_id
"""  # noqa: S608 – names from our own code

_BUYER_DAYS: Final = f"""
    SELECT DISTINCT scope_id, currency, buyer_id, CAST(:day AS date) AS day
    FROM ({_OF_DAY}) found, LATERAL (VALUES (merchant_id), (product_id)) AS scopes (scope_id)
    WHERE buyer_id IS NOT NULL
    ORDER BY scope_id, currency, buyer_id
"""  # noqa: S608 – as above

_BUYERS: Final = f"""
    SELECT scope_id, currency, day, coalesce(previous_day, '-infinity') AS previous_day,
        count(*) AS buyers
    FROM (
        SELECT b.*, (
            SELECT max(p.day) FROM buyer_days p
            WHERE p.scope_id = b.scope_id AND p.currency = b.currency
                AND p.buyer_id = b.buyer_id AND p.day < b.day) AS previous_day
        FROM ({_BUYER_DAYS}) b
    ) with_previous
    GROUP BY scope_id, currency, day, previous_day
    ORDER BY scope_id, currency, previous_day
"""  # noqa: S608 – as above


_QUARTERS: Final = f"""
    SELECT scope_id, currency, starts_at,
        {", ".join(f"CAST(sum({value}) AS bigint) AS {name}" for name, value in FIGURES.items())}
    FROM (
        SELECT found.*, {QUARTER_HOUR} AS starts_at FROM ({_OF_DAY}) found
    ) of_quarters, LATERAL (VALUES (merchant_id), (product_id)) AS scopes (scope_id)
    GROUP BY scope_id, currency, starts_at
    ORDER BY scope_id, currency, starts_at
"""  # noqa: S608 – as above

_OF_DAYS: Final = (
    ("daily_sales", _SALES),
    ("daily_buyers", _BUYERS),
    ("buyer_days", _BUYER_DAYS),
)
_OF_QUARTERS: Final = (("quarter_hour_sales", _QUARTERS),)


def last_day(session: Session) -> date | None:
    """The last day that was summed."""
    return session.scalar(select(func.max(SummedDay.day)))


def first_day_without_quarters(session: Session) -> date | None:
    """The first summed day whose quarters of an hour have not been."""
    return session.scalar(
        select(func.min(SummedDay.day)).where(SummedDay.quarters_summed_at.is_(None))
    )


def first_order_at(session: Session) -> datetime | None:
    """When the oldest order was created."""
    return session.scalar(select(Order.created_at).order_by(Order.id).limit(1))


def lock(session: Session) -> None:
    """Let no other transaction change the sums. Waits for one that is summing a day."""
    session.execute(text("SET LOCAL lock_timeout = 0"))
    session.execute(text("LOCK TABLE summed_days IN SHARE ROW EXCLUSIVE MODE"))


def add_day(session: Session, day: date, *, since: datetime, until: datetime) -> None:
    """Sum a day. All days before it have been summed. since, until: its beginning and end."""
    session.execute(insert(SummedDay).values(day=day, summed_at=clock.now()))
    _insert(session, _OF_DAYS, {"day": day} | _bounds(since, until))


def add_quarters(session: Session, day: date, *, since: datetime, until: datetime) -> None:
    """Sum the quarters of an hour of a day that has been summed. since, until: as of `add_day`."""
    summed = update(SummedDay).where(SummedDay.day == day)
    session.execute(summed.values(quarters_summed_at=clock.now()))
    _insert(session, _OF_QUARTERS, _bounds(since, until))


def _bounds(since: datetime, until: datetime) -> dict[str, Any]:
    first, beyond = ids_within(since, until)
    return {"since": since, "until": until, "first": first, "beyond": beyond}


def _insert(session: Session, queries: Iterable[tuple[str, str]], values: dict[str, Any]) -> None:
    """Insert the rows of each query into its table."""
    for name, query in queries:
        table = Base.metadata.tables[name]
        columns = list(table.columns)
        session.execute(insert(table).from_select(columns, text(query).columns(*columns)), values)


def delete_all(session: Session) -> None:
    for deletion in (
        delete(SummedDay),
        delete(DailySales),
        delete(BuyerDay),
        delete(DailyBuyers),
        delete(QuarterHourSales),
    ):
        session.execute(deletion)
