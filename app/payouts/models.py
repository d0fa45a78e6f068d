"""Payouts to bank accounts."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, Monetary, known_values, mutable
from app.common.db import Base
from app.common.polling import Polled


class PayoutStatus(StrEnum):
    """PENDING: the bank has not accepted the payout yet. SUBMITTED: it has."""

    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    PAID = "PAID"
    REFUSED = "REFUSED"


#: The statuses in which the bank has yet to report the outcome.
OPEN: Final = (PayoutStatus.PENDING, PayoutStatus.SUBMITTED)


class Payout(Polled, Identified, Created, Monetary, Base):
    """A payout to a bank account. Its amount is held until the bank has paid or refused it.

    A trigger keeps the request unchanged, and the outcome final.
    amount: minor units; reason: why the bank refused. risk_score, latency_ms: of the request, as
    events have them; both are None if they are not known.
    """

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        known_values("status", PayoutStatus),
        CheckConstraint(
            "(status IN ('PENDING', 'SUBMITTED')) = (next_attempt_at IS NOT NULL)"
            " AND (status IN ('PENDING', 'SUBMITTED')) = (settled_at IS NULL)",
            name="open_until_settled",
        ),
        CheckConstraint("status <> 'SUBMITTED' OR submitted_at IS NOT NULL", name="submitted_when"),
        CheckConstraint("(status = 'REFUSED') = (reason IS NOT NULL)", name="refused_why"),
        Index("ix_payouts_user", "user_id", "id"),
        # Of all users, for administrators.
        Index("ix_payouts_status", "status", "id"),
        Index("ix_payouts_bank", "provider", "id"),
        Index("ix_payouts_flagged", "id", postgresql_where=text("flagged_at IS NOT NULL")),
        Index(
            "ix_payouts_bank_reference",
            "provider",
            "bank_reference",
            postgresql_where=text("bank_reference IS NOT NULL"),
        ),
        Index("ix_payouts_provider", "provider", "settled_at"),
        Index(
            "ix_payouts_due",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
        mutable(
            "status",
            "bank_reference",
            "reason",
            "submitted_at",
            "settled_at",
            "attempts",
            "next_attempt_at",
            "flagged_at",
        ),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    bank_account_id: Mapped[UUID] = mapped_column(ForeignKey("bank_accounts.id"))
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("wallet_holds.id"), unique=True)
    provider: Mapped[str]
    status: Mapped[str]
    description: Mapped[str | None]
    bank_reference: Mapped[str | None]
    reason: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    risk_score: Mapped[str | None]
    latency_ms: Mapped[int | None]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def risk(self) -> dict[str, Any]:
        """What its events say about its screening."""
        return {"risk_score": self.risk_score, "latency_ms": self.latency_ms}
