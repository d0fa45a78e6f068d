"""Runs of `verify`."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Identified
from app.common.db import Base


class Verification(Identified, Base):
    """A complete run, or an incremental one, which continues the last run without violations.

    started_at: the time of its snapshot, by the clock of the database; since: the age of the oldest
    records it checked, None for all; violated: number of violated invariants.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        CheckConstraint("finished_at >= started_at", name="finished_later"),
        {"info": {"append_only": True}},
    )

    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    since: Mapped[datetime | None] = mapped_column("checked_since")
    violated: Mapped[int]
