"""The feed of transactions, and its sums."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.db import plan_for_whole_tables, retry_transaction
from app.common.pagination import Page, PageRequest
from app.insights.transactions import repository
from app.insights.transactions.models import (
    COUNTS,
    FeedTransaction,
    TransactionDay,
    TransactionMinute,
)
from app.retention import service as retention

#: The length of the period whose minutes are shown.
RECENT: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of transactions in one currency, as of TransactionMinute."""

    currency: str
    approved: int = 0
    declined: int = 0
    reviewed: int = 0
    volume: int = 0
    measured: int = 0
    latency_ms: int = 0

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(row.currency, *(getattr(row, name) for name in COUNTS))

    @property
    def decided(self) -> int:
        """Transactions but for reviews, whose decisions are transactions of their own."""
        return self.approved + self.declined

    @property
    def average_amount(self) -> int | None:
        """Minor units of an approved transaction, rounded; None without any."""
        return round_half_up(self.volume, self.approved) if self.approved else None


@dataclass(frozen=True, slots=True)
class Minute:
    """The transactions of a minute, by currency."""

    starts_at: datetime
    sums: Sequence[Sums]

    @property
    def decided(self) -> int:
        return sum(each.decided for each in self.sums)


def round_half_up(part: int, whole: int) -> int:
    """The quotient of two natural numbers, rounded."""
    return (2 * part + whole) // (2 * whole)


def list_latest(
    session: Session,
    limit: int,
    user_id: UUID | None = None,
    merchant_id: UUID | None = None,
) -> Sequence[FeedTransaction]:
    """The latest transactions, newest first: all of them, or those of one payer or merchant."""
    return repository.list_latest(session, limit=limit, user_id=user_id, merchant_id=merchant_id)


def list_page(
    session: Session, page: PageRequest, *, party_id: UUID | None = None
) -> Page[FeedTransaction]:
    """Transactions, newest first: all of them, or those that a user pays or is paid as a merchant.

    Raises CursorInvalid.
    """
    return repository.list_page(session, page, party_id=party_id)


def get_totals(session: Session) -> Sequence[Sums]:
    """The sums of all transactions, by currency."""
    return [Sums.of(row) for row in repository.list_totals(session)]


def get_recent_minutes(session: Session) -> Sequence[Minute]:
    """The minutes of the last hour with transactions, newest first; the first is not over yet."""
    since = _start_of_minute(clock.now()) - RECENT + _MINUTE
    return _by_minute(repository.list_minutes(session, since=since))


def _by_minute(rows: Iterable[TransactionMinute]) -> Sequence[Minute]:
    found: dict[datetime, list[Sums]] = {}
    for row in rows:
        found.setdefault(row.starts_at, []).append(Sums.of(row))
    return [Minute(starts_at, sums) for starts_at, sums in found.items()]


def rebuild_sums() -> tuple[int, int]:
    """Make the sums of minutes and days anew from the feed. Returns how many were made.

    Those of days of which the retention may have deleted transactions stay as they are.
    """
    kept_since = clock.now() - retention.periods().by_setting["retention_feed"]
    return retry_transaction(partial(_rebuild, first_minute=_start_of_minute(kept_since) + _MINUTE))


def _rebuild(session: Session, *, first_minute: datetime) -> tuple[int, int]:
    plan_for_whole_tables(session)
    repository.lock_sums(session)
    first_day = first_minute.replace(hour=0, minute=0) + _DAY
    repository.delete_sums(session, minutes_since=first_minute, days_since=first_day)
    minutes = repository.make_sums(session, TransactionMinute, unit="minute", since=first_minute)
    days = repository.make_sums(session, TransactionDay, unit="day", since=first_day)
    return minutes, days


def _start_of_minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
