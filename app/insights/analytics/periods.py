"""The sales of a period and of the one before it.

Orders and refunds count when they were made, so those of a period that is over never change. They
are kept in the cache for some minutes: in a zone other than UTC, buyers of the partial days (UTC)
at both ends have to be told from those of the days between, one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy.orm import Session

from app.common import clock
from app.common.cache import Region
from app.common.process_state import Slot
from app.sales import service as sales
from app.sales.daily_sums.service import DELAY
from app.sales.service import DayTotals, PeriodTotals, ProductTotals, Totals

#: Names of products may be as old.
TTL: Final = timedelta(minutes=10)
#: Another one for entries with other fields, which processes of two versions share.
_FORMAT: Final = 1
#: Cached sales, if the process has a cache.
sales_cache: Final[Slot[Region | None]] = Slot("cache of sales", default=None)


@dataclass(frozen=True, slots=True)
class Sales:
    """before: of the period of the same length that ends where this one begins; days: each day of
    the time zone, with its totals."""

    current: PeriodTotals
    before: PeriodTotals
    days: Sequence[tuple[date, DayTotals]]


def get_sales(
    session: Session,
    *,
    merchant_id: UUID,
    currency: str,
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
) -> Sales:
    """session: reads one snapshot."""

    def read() -> Sales:
        whose: dict[str, Any] = {"merchant_id": merchant_id, "currency": currency}
        return Sales(
            sales.get_totals(session, since=since, until=until, **whose),
            sales.get_totals(session, since=since - (until - since), until=since, **whose),
            sales.get_days(session, within=(since, until), zone=zone, **whose),
        )

    cached = sales_cache()
    # Every transaction that began in the period has ended by then.
    if cached is None or until > clock.now() - DELAY:
        return read()
    period = f"{since.timestamp()}:{until.timestamp()}:{zone.key}"
    key = f"{_FORMAT}:{merchant_id}:{currency}:{period}"
    return _decoded(cached.fetch(key, lambda: orjson.dumps(read())))


def _decoded(entry: bytes) -> Sales:
    found = orjson.loads(entry)
    days = [(date.fromisoformat(day), DayTotals(**totals)) for day, totals in found["days"]]
    return Sales(_period(found["current"]), _period(found["before"]), days)


def _period(found: dict[str, Any]) -> PeriodTotals:
    best = [
        ProductTotals(UUID(each["id"]), each["name"], Totals(**each["totals"]))
        for each in found["best"]
    ]
    return PeriodTotals(Totals(**found["totals"]), found["buyers"], found["new_buyers"], best)
