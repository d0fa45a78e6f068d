"""Runs of `verify`, and backups."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Identified, known_values
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


class BackupKind(StrEnum):
    """INCREMENTAL: of what has changed since the backup before it."""

    FULL = "FULL"
    INCREMENTAL = "INCREMENTAL"


class BackupRecord(Identified, Base):
    """A backup that has succeeded. size: bytes. It may have been deleted since."""

    __tablename__ = "backups"
    __table_args__ = (
        CheckConstraint("finished_at >= started_at", name="finished_later"),
        known_values("kind", BackupKind),
        {"info": {"append_only": True}},
    )

    kind: Mapped[str]
    size: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
