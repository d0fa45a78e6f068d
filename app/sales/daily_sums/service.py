"""Sums the sales of each day, so that a summary of a year reads no year of orders."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import plan_for_whole_tables, retry_transaction
from app.common.id_ranges import SLACK
from app.sales.daily_sums import repository

#: How long after its end a day is summed. Every transaction that began on it has ended by then.
DELAY: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


def first_unsummed_day(session: Session) -> date | None:
    """The day from which on orders and refunds have to be read; None if no day has been summed."""
    last = repository.last_day(session)
    return None if last is None else last + _DAY


def first_day_without_quarters(session: Session) -> date | None:
    """As `first_unsummed_day`, of the sums of quarters of an hour."""
    return repository.first_day_without_quarters(session) or first_unsummed_day(session)


def sum_days(*, max_seconds: float | None = None) -> Iterator[date]:
    """Sum each day that is over and has not been summed, in a transaction each.

    max_seconds: no day is begun after that.
    """
    ends_at = None if max_seconds is None else time.monotonic() + max_seconds
    while ends_at is None or time.monotonic() < ends_at:
        day = retry_transaction(_sum_next_day)
        if day is None:
            return
        yield day


def delete_all() -> None:
    """Forget the sums of all days: summaries read orders and refunds until they are made anew."""
    retry_transaction(_delete_all)


def start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _sum_next_day(session: Session) -> date | None:
    """The day; None if none is due."""
    plan_for_whole_tables(session)
    repository.lock(session)
    # Days that an older version has summed come first.
    day = repository.first_day_without_quarters(session)
    if day is None:
        day = first_unsummed_day(session) or _first_day(session)
        if day is None or clock.now() < start_of(day + _DAY) + DELAY:
            return None
        repository.add_day(session, day, since=start_of(day), until=start_of(day + _DAY))
    repository.add_quarters(session, day, since=start_of(day), until=start_of(day + _DAY))
    return day


def _delete_all(session: Session) -> None:
    plan_for_whole_tables(session)
    repository.lock(session)
    repository.delete_all(session)


def _first_day(session: Session) -> date | None:
    first = repository.first_order_at(session)
    return None if first is None else (first - SLACK).astimezone(UTC).date()
