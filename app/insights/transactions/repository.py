"""SQL of the feed and of its sums."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, write
from app.common.db import Base
from app.common.driver import send, uuid_array
from app.common.pagination import Page, PageRequest, paginate, paginate_union
from app.insights.transactions.models import (
    COUNTS,
    FeedTransaction,
    FeedUser,
    TransactionDay,
    TransactionMinute,
)
from app.insights.transactions.sums import SUMS_OF_FEED

Sums = type[TransactionMinute | TransactionDay]

_ADD_USERS: Final = BulkInsert(
    FeedUser,
    omit=("number",),
    # Not ON CONFLICT alone, which would draw a number for each row that exists.
    tail="WHERE NOT EXISTS (SELECT FROM feed_users f WHERE f.user_id = new.user_id)"
    " ON CONFLICT (user_id) DO NOTHING",
)
_ADD: Final = BulkInsert(
    FeedTransaction,
    omit=("id",),
    computed={"user_number": "(SELECT f.number FROM feed_users f WHERE f.user_id = new.user_id)"},
    tail="ON CONFLICT (transaction_id) DO NOTHING"
    " RETURNING currency, status, amount, latency_ms, occurred_at",
)
_SUMS: Final = {
    model: BulkInsert(
        model,
        tail="ORDER BY starts_at, currency ON CONFLICT (starts_at, currency) DO UPDATE SET "
        + ", ".join(f"{name} = {model.__tablename__}.{name} + excluded.{name}" for name in COUNTS),
    )
    for model in (TransactionMinute, TransactionDay)
}

_PAYEES: Final = """
    SELECT id, role, first_name, last_name, shop_name FROM users WHERE id = ANY(%(ids)s)
"""


def list_payees(session: Session, ids: Collection[UUID]) -> Iterable[Any]:
    """The role and the names of users."""
    return send(session, _PAYEES, {"ids": uuid_array(ids)})


def add_users(session: Session, user_ids: Collection[UUID]) -> None:
    """Give a number to each user who has none."""
    rows = [{"user_id": user_id} for user_id in sorted(user_ids)]
    write(session, Write(_ADD_USERS, rows))


def add_transactions(session: Session, rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """Add transactions, except those that are in the feed. Returns the added ones."""
    return _ADD.execute(session, rows).fetchall()


def add_sums(
    session: Session,
    model: Sums,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Add to the sums of periods."""
    write(session, Write(_SUMS[model], rows))


def list_latest(
    session: Session, *, limit: int, user_id: UUID | None, merchant_id: UUID | None
) -> Sequence[FeedTransaction]:
    query = select(FeedTransaction).order_by(FeedTransaction.id.desc()).limit(limit)
    if user_id is not None:
        query = query.where(FeedTransaction.user_id == user_id)
    if merchant_id is not None:
        query = query.where(FeedTransaction.merchant_id == merchant_id)
    return session.scalars(query).all()


def list_page(
    session: Session, page: PageRequest, *, party_id: UUID | None
) -> Page[FeedTransaction]:
    """All transactions, or those of a payer or merchant; newest first. Raises CursorInvalid."""
    if party_id is None:
        return paginate(session, page, select(FeedTransaction), FeedTransaction.id)
    paid = select(FeedTransaction).where(FeedTransaction.user_id == party_id)
    received = select(FeedTransaction).where(
        FeedTransaction.merchant_id == party_id, FeedTransaction.user_id != party_id
    )
    return paginate_union(session, page, [paid, received], FeedTransaction.id)


_TOTALS: Final = f"""
    SELECT currency, {", ".join(f"CAST(sum({name}) AS bigint) AS {name}" for name in COUNTS)}
    FROM transaction_days GROUP BY currency ORDER BY currency
"""  # noqa: S608 – names from our own code


def list_totals(session: Session) -> Iterable[Any]:
    """The sums of all days, by currency."""
    return send(session, _TOTALS)


def list_minutes(session: Session, *, since: datetime) -> Sequence[TransactionMinute]:
    """The sums of minutes, newest first."""
    return session.scalars(
        select(TransactionMinute)
        .where(TransactionMinute.starts_at >= since)
        .order_by(TransactionMinute.starts_at.desc(), TransactionMinute.currency)
    ).all()


# Making the sums anew


def lock_sums(session: Session) -> None:
    """Let no other transaction change the sums. Waits for one that does."""
    session.execute(text("SET LOCAL lock_timeout = 0"))
    for model in (TransactionMinute, TransactionDay):
        session.execute(text(f"LOCK TABLE {model.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))


def delete_sums(session: Session, *, minutes_since: datetime, days_since: datetime) -> None:
    """Delete the sums of the periods that begin at these times or later."""
    session.execute(delete(TransactionMinute).where(TransactionMinute.starts_at >= minutes_since))
    session.execute(delete(TransactionDay).where(TransactionDay.starts_at >= days_since))


def make_sums(session: Session, model: Sums, *, unit: str, since: datetime) -> int:
    """Make the sums of the periods that begin at `since` or later. Returns their number.

    unit: `minute` or `day`. All transactions since then are in the feed, and no such sums exist.
    """
    table = Base.metadata.tables[model.__tablename__]
    columns = list(table.columns)
    query = text(SUMS_OF_FEED.format(unit=unit)).columns(*columns)
    session.execute(insert(table).from_select(columns, query), {"since": since})
    made = select(func.count()).select_from(model).where(model.starts_at >= since)
    return session.scalars(made).one()
