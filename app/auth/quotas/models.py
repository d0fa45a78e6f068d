"""Quotas of single users."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.auth.quotas.quota import Quota
from app.common.columns import known_values, mutable
from app.common.db import Base


class UserQuota(Base):
    """The maximum of one user, which replaces that of the settings."""

    __tablename__ = "user_quotas"
    __table_args__ = (
        known_values("quota", Quota),
        CheckConstraint("maximum >= 0", name="maximum_not_negative"),
        mutable("maximum", "updated_at", deleted=True),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    quota: Mapped[str] = mapped_column(primary_key=True)
    maximum: Mapped[int]
    updated_at: Mapped[datetime]
