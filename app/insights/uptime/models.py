"""Whether requests could be served."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import mutable
from app.common.db import Base


class ReadinessHour(Base):
    """The checks of readiness in an hour, by its minutes.

    checked: bit n is set if there was a check in minute n; failed: if one of them failed. So a
    check that is stored twice, or made by two hosts, changes nothing.
    """

    __tablename__ = "readiness_hours"
    __table_args__ = (
        CheckConstraint("failed & ~checked = 0", name="failed_is_checked"),
        CheckConstraint("checked BETWEEN 1 AND (1::bigint << 60) - 1", name="checked_within"),
        mutable("checked", "failed"),
    )

    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    checked: Mapped[int]
    failed: Mapped[int]
