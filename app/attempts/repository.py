"""SQL of attempt budgets."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Result, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.attempts.models import AttemptBudget

Key = tuple[str, bytes]


def postpone(
    session: Session, costs: Mapping[Key, timedelta], *, now: datetime
) -> dict[Key, datetime]:
    """Let these budgets be full later by their cost. Returns when they are."""
    rows = [
        {"scope": scope, "subject": subject, "full_at": now + cost}
        for (scope, subject), cost in costs.items()
    ]
    statement = insert(AttemptBudget).values(rows)
    full_at = func.greatest(AttemptBudget.full_at, now) + (statement.excluded.full_at - now)
    statement = statement.on_conflict_do_update(
        index_elements=[AttemptBudget.scope, AttemptBudget.subject], set_={"full_at": full_at}
    )
    return _by_key(session.execute(statement.returning(*_COLUMNS)))


def get_full_at(session: Session, keys: Sequence[Key]) -> dict[Key, datetime]:
    """When budgets are full again; those without a row are full."""
    key = tuple_(AttemptBudget.scope, AttemptBudget.subject)
    return _by_key(session.execute(select(*_COLUMNS).where(key.in_(keys))))


_COLUMNS: Final = (AttemptBudget.scope, AttemptBudget.subject, AttemptBudget.full_at)


def _by_key(rows: Result[Any]) -> dict[Key, datetime]:
    return {(row.scope, row.subject): row.full_at for row in rows}
