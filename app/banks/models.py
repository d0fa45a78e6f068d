"""The inbox of what banks say, stored before anything comes of it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.db import Base


class EventType(StrEnum):
    """What a bank can say. The word before the dot is what it is about."""

    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_FAILED = "payment.failed"
    PAYOUT_PAID = "payout.paid"
    PAYOUT_REFUSED = "payout.refused"


class EventStatus(StrEnum):
    RECEIVED = "RECEIVED"
    PROCESSED = "PROCESSED"
    QUARANTINED = "QUARANTINED"


class BankEvent(Base):
    """One message of a bank, as it was signed. Only what became of it changes, and once.

    event_id: the bank's, which it repeats; amount: minor units, None when its currency cannot
    express what the bank wrote; user_id: as the bank wrote it; body: the signed text.
    """

    __tablename__ = "bank_events"
    __table_args__ = (
        UniqueConstraint("provider", "event_id", name="uq_bank_events_event"),
        CheckConstraint(
            "status IN ('RECEIVED', 'PROCESSED', 'QUARANTINED')"
            " AND (status = 'RECEIVED') = (processed_at IS NULL)",
            name="status_known",
        ),
        Index("ix_bank_events_reference", "provider", "reference"),
        Index(
            "ix_bank_events_due", "next_attempt_at", postgresql_where=text("status = 'RECEIVED'")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    event_id: Mapped[str]
    type: Mapped[str]
    reference: Mapped[str]
    amount: Mapped[int | None]
    currency: Mapped[str | None]
    user_id: Mapped[str | None]
    bank_reference: Mapped[str | None]
    reason: Mapped[str | None]
    body: Mapped[str]
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime]
    last_error: Mapped[str | None]
    received_at: Mapped[datetime]
    processed_at: Mapped[datetime | None]

    @property
    def topic(self) -> str:
        return self.type.partition(".")[0]
