"""Backtests of rules."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, known_values, mutable
from app.common.db import Base


class BacktestStatus(StrEnum):
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"


class RiskBacktest(Identified, Created, Base):
    """A version of a rule, evaluated with the attempts of a period instead of the active version.

    rule: the version as it was, because drafts change: id, key, version, conditions, outcome,
    weight; ruleset: the version in force that it is compared with; parameters: the settings, as
    `Parameters.as_input`; after_id: the last decision that was evaluated; report: the counts so
    far, as of `backtests.report`.
    """

    __tablename__ = "risk_backtests"
    __table_args__ = (
        known_values("status", BacktestStatus, also="(status = 'RUNNING') = (finished_at IS NULL)"),
        CheckConstraint("starts_at < ends_at", name="period_has_length"),
        Index("ix_risk_backtests_running", "id", postgresql_where=text("status = 'RUNNING'")),
        mutable("status", "after_id", "report", "finished_at", deleted=True),
    )

    status: Mapped[str]
    rule: Mapped[dict[str, Any]]
    ruleset: Mapped[int]
    parameters: Mapped[list[Any]] = mapped_column(JSONB)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    after_id: Mapped[UUID]
    report: Mapped[dict[str, Any]]
    #: None for the command line.
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    finished_at: Mapped[datetime | None]
