"""Trained models."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified
from app.common.db import Base


class RiskModel(Identified, Created, Base):
    """A model as it was trained. Append-only: rules that read its score refer to it.

    content: as of `forest`; checksum: its SHA-256; report: how it was evaluated, as of `metrics`;
    starts_at, ends_at: the period of the attempts.
    """

    __tablename__ = "risk_models"
    __table_args__ = (
        CheckConstraint("version > 0", name="version_positive"),
        {"info": {"append_only": True}},
    )

    version: Mapped[int] = mapped_column(unique=True)
    content: Mapped[dict[str, Any]]
    checksum: Mapped[str]
    report: Mapped[dict[str, Any]]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    @property
    def features(self) -> list[str]:
        """What it reads."""
        found: list[str] = self.content["features"]
        return found
