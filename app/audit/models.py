"""The audit log: who did what, to what or whom, and why."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, mutable
from app.common.db import Base


class AuditRecord(Identified, Created, Base):
    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_actor", "actor_id", "id"),
        Index("ix_audit_log_target", "target_id", "id"),
        Index("ix_audit_log_action", "action", "id"),
        mutable(deleted=True),
    )

    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str]
    target_type: Mapped[str]
    target_id: Mapped[UUID]
    reason: Mapped[str | None]
    details: Mapped[dict[str, Any]]
