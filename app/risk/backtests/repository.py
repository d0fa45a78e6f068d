"""SQL of backtests."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row
from app.risk.backtests.models import BacktestStatus, RiskBacktest

_IS_RUNNING = RiskBacktest.status == BacktestStatus.RUNNING.value


def insert_backtest(session: Session, **values: Any) -> RiskBacktest:
    return insert_row(session, RiskBacktest(**values))


def get_backtest(session: Session, backtest_id: UUID) -> RiskBacktest | None:
    return session.get(RiskBacktest, backtest_id)


def list_backtests(session: Session, page: PageRequest) -> Page[RiskBacktest]:
    return paginate(session, page, select(RiskBacktest), RiskBacktest.id)


def count_running(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(RiskBacktest).where(_IS_RUNNING)) or 0


def list_running(session: Session, *, limit: int) -> Sequence[UUID]:
    query = select(RiskBacktest.id).where(_IS_RUNNING).order_by(RiskBacktest.id)
    return session.scalars(query.limit(limit)).all()


def lock_running(session: Session, backtest_id: UUID) -> RiskBacktest | None:
    """Lock a backtest that has not finished, unless another worker has locked it."""
    return session.scalar(
        select(RiskBacktest)
        .where(RiskBacktest.id == backtest_id, _IS_RUNNING)
        .with_for_update(key_share=True, skip_locked=True),
        execution_options={"populate_existing": True},
    )
