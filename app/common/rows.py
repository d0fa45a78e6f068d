"""Inserting and locking rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, TextClause, select
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session

M = TypeVar("M", bound=DeclarativeBase)


def insert_row(session: Session, row: M) -> M:
    """Insert a row immediately, so that a violated constraint raises here."""
    session.add(row)
    session.flush()
    return row


def lock_row(session: Session, model: type[M], key: Any) -> M | None:
    """The row with that primary key as it is now, locked until the transaction ends.

    FOR NO KEY UPDATE: rows that reference it can still be inserted. A row that the session has
    already loaded is refreshed.
    """
    return session.get(model, key, with_for_update={"key_share": True}, populate_existing=True)


def lock_due(
    session: Session,
    due_at: InstrumentedAttribute[Any],
    *where: ColumnElement[bool] | TextClause,
    now: datetime,
    limit: int,
) -> Sequence[Any]:
    """Rows whose `due_at` has passed, the longest overdue first, locked.

    Rows that another transaction has locked are skipped.
    """
    return session.scalars(
        select(due_at.class_)
        .where(due_at <= now, *where)
        .order_by(due_at)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
