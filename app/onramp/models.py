"""On-ramps: deposits from a bank."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Identified, Monetary, Timestamped, known_values, mutable
from app.common.db import Base
from app.idempotency.models import key_index


class OnrampStatus(StrEnum):
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    EXPIRED = "EXPIRED"


class Onramp(Identified, Timestamped, Monetary, Base):
    """A deposit that a user has requested from a bank. A trigger keeps the request unchanged.

    It ends as SUCCESS or FAILURE by an event of the bank, or is EXPIRED and can then still succeed
    (`late`). token: 256 random bits, our reference at the bank; payer: the name that the bank
    shows; settled_by: the inbound event that ended it.
    """

    __tablename__ = "onramps"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("length(token) = 43", name="token_unguessable"),
        CheckConstraint("expires_at > created_at", name="expires_after_creation"),
        known_values("status", OnrampStatus, also="(status = 'PROCESSING') = (closed_at IS NULL)"),
        CheckConstraint(
            "(status IN ('SUCCESS', 'FAILURE')) = (settled_by IS NOT NULL)", name="bank_settles"
        ),
        CheckConstraint("NOT late OR status = 'SUCCESS'", name="late_success"),
        Index("ix_onramps_user", "user_id", "id"),
        # Of all users, for administrators.
        Index("ix_onramps_status", "status", "id"),
        Index("ix_onramps_bank", "provider", "id"),
        Index(
            "ix_onramps_bank_reference",
            "provider",
            "bank_reference",
            postgresql_where=text("bank_reference IS NOT NULL"),
        ),
        Index(
            "ix_onramps_succeeded",
            "provider",
            "closed_at",
            postgresql_where=text("status = 'SUCCESS'"),
        ),
        Index("ix_onramps_open", "user_id", postgresql_where=text("status = 'PROCESSING'")),
        Index("ix_onramps_expiring", "expires_at", postgresql_where=text("status = 'PROCESSING'")),
        # Kept forever: an old idempotency key can never create a second on-ramp.
        key_index("uq_onramps_key", "user_id"),
        mutable(
            "status",
            "late",
            "settled_by",
            "bank_reference",
            "failure_reason",
            "closed_at",
            "updated_at",
        ),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    provider: Mapped[str]
    token: Mapped[str] = mapped_column(unique=True)
    payer: Mapped[str]
    description: Mapped[str | None]
    return_url: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    status: Mapped[str]
    late: Mapped[bool] = mapped_column(server_default="false")
    settled_by: Mapped[UUID | None] = mapped_column(ForeignKey("inbound_events.id"), unique=True)
    bank_reference: Mapped[str | None]
    failure_reason: Mapped[str | None]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
