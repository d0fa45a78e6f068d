"""SQL of the counts of requests."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, write
from app.insights.requests.models import RequestHour, RequestMinute

Model = type[RequestMinute | RequestHour]

# In the order of the key, so that processes wait for each other in one order.
_ADD: Final[dict[Model, BulkInsert]] = {
    model: BulkInsert(
        model,
        tail="ORDER BY starts_at, duration ON CONFLICT (starts_at, duration) DO UPDATE SET"
        f" requests = {model.__tablename__}.requests + excluded.requests,"
        f" errors = {model.__tablename__}.errors + excluded.errors",
    )
    for model in (RequestMinute, RequestHour)
}


def add(session: Session, model: Model, rows: Iterable[dict[str, Any]]) -> None:
    """Add to the counts of periods."""
    write(session, Write(_ADD[model], rows))


def sums(
    session: Session, model: Model, *, since: datetime, until: datetime
) -> Sequence[tuple[int, int, int]]:
    """Duration, requests and errors of the periods that begin between two times."""
    rows = session.execute(
        select(model.duration, func.sum(model.requests), func.sum(model.errors))
        .where(model.starts_at >= since, model.starts_at < until)
        .group_by(model.duration)
        .order_by(model.duration)
    )
    return [(duration, int(requests), int(errors)) for duration, requests, errors in rows]
