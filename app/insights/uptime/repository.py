"""SQL of the checks of readiness."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, write
from app.insights.uptime.models import ReadinessHour

_ADD: Final = BulkInsert(
    ReadinessHour,
    tail="ORDER BY starts_at ON CONFLICT (starts_at) DO UPDATE SET"
    " checked = readiness_hours.checked | excluded.checked,"
    " failed = readiness_hours.failed | excluded.failed",
)

_MINUTES: Final = text("""
    SELECT coalesce(sum(bit_count(CAST(checked AS bit(64)))), 0) AS checked,
        coalesce(sum(bit_count(CAST(failed AS bit(64)))), 0) AS failed
    FROM readiness_hours WHERE starts_at >= :since
""")


def add(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    write(session, Write(_ADD, rows))


def get_first_hour(session: Session, *, since: datetime) -> ReadinessHour | None:
    """The first hour with a check that begins at `since` or later."""
    return session.scalar(
        select(ReadinessHour)
        .where(ReadinessHour.starts_at >= since)
        .order_by(ReadinessHour.starts_at)
        .limit(1)
    )


def count_minutes(session: Session, *, since: datetime) -> Any:
    """The minutes that were checked and that failed, in hours that begin at `since` or later."""
    return session.execute(_MINUTES, {"since": since}).one()
