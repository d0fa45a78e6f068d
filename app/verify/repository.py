"""SQL of the runs. That of the invariants is in their topics."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from app.insights.health.models import Verification


def select_rows(session: Session, sql: str, parameters: Mapping[str, Any]) -> list[str]:
    return [str(tuple(row)) for row in session.execute(text(sql), parameters)]


def get_time(session: Session) -> datetime:
    """When the transaction began, by the clock of the database."""
    return session.execute(select(func.now())).scalar_one()


def is_read_only(session: Session) -> bool:
    """Whether the database is a replica, or refuses writes by default."""
    sql = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean"
    return bool(session.execute(text(sql)).scalar_one())


def get_last_success(session: Session) -> datetime | None:
    """When the last run without violations began."""
    return session.scalar(
        select(func.max(Verification.started_at)).where(Verification.violated == 0)
    )


def insert_verification(session: Session, **values: Any) -> None:
    session.execute(insert(Verification).values(finished_at=func.clock_timestamp(), **values))
