"""Inbound events of every provider, stored before they are handled."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Identified, known_values, mutable
from app.common.db import Base


class InboundEventStatus(StrEnum):
    """QUARANTINED: it contradicts our record. DISMISSED: an administrator has dealt with that."""

    RECEIVED = "RECEIVED"
    PROCESSED = "PROCESSED"
    QUARANTINED = "QUARANTINED"
    DISMISSED = "DISMISSED"


class InboundEvent(Identified, Base):
    """One event as its provider signed it. Only the result of its handling is recorded later.

    A trigger refuses every other change, and any change after the event has been handled, except
    that one in quarantine is received again or dismissed.
    event_id: the provider's id, the same in every delivery; reference: the id that we gave the
    provider; amount: minor units, NULL when the currency cannot express what the provider sent;
    user_id: as the provider sent it; provider_reference: the provider's own id of the payment;
    body: the signed text.
    """

    __tablename__ = "inbound_events"
    __table_args__ = (
        UniqueConstraint("provider", "event_id", name="uq_inbound_events_event"),
        known_values(
            "status", InboundEventStatus, also="(status = 'RECEIVED') = (processed_at IS NULL)"
        ),
        Index("ix_inbound_events_reference", "provider", "reference"),
        Index(
            "ix_inbound_events_due",
            "next_attempt_at",
            postgresql_where=text("status = 'RECEIVED'"),
        ),
        # For administrators.
        Index("ix_inbound_events_provider", "provider", "id"),
        Index(
            "ix_inbound_events_provider_reference",
            "provider_reference",
            postgresql_where=text("provider_reference IS NOT NULL"),
        ),
        Index(
            "ix_inbound_events_unusual",
            "status",
            "id",
            postgresql_where=text("status <> 'PROCESSED'"),
        ),
        mutable(
            "status", "attempts", "next_attempt_at", "last_error", "processed_at", deleted=True
        ),
    )

    provider: Mapped[str]
    event_id: Mapped[str]
    type: Mapped[str]
    reference: Mapped[str]
    amount: Mapped[int | None]
    currency: Mapped[str | None]
    user_id: Mapped[str | None]
    provider_reference: Mapped[str | None]
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
        """What the event is about: its type up to the first dot."""
        return self.type.partition(".")[0]
