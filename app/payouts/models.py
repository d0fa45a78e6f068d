"""Money that leaves: the bank accounts that users save, and payouts to them."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.db import Base


class BankAccount(Base):
    """Where a user wants money sent. Never deleted, because payouts name it.

    number_sealed: the number, encrypted for this row alone; number_end: what of it is shown;
    fingerprint: a keyed hash, so that the same account is found without reading any number.
    """

    __tablename__ = "bank_accounts"
    __table_args__ = (
        Index(
            "uq_bank_accounts_fingerprint",
            "user_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        CheckConstraint("length(number_end) = 4", name="number_end_short"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    provider: Mapped[str]
    holder: Mapped[str]
    routing: Mapped[str]
    label: Mapped[str | None]
    number_sealed: Mapped[bytes]
    number_end: Mapped[str]
    fingerprint: Mapped[bytes]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @property
    def number(self) -> str:
        """The number as it may be shown."""
        return f"••••••{self.number_end}"


class PayoutStatus(StrEnum):
    """PENDING: the bank has not said yet that it knows of it. SUBMITTED: it has accepted it."""

    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    PAID = "PAID"
    REFUSED = "REFUSED"


#: Those that a bank still has to say something about.
OPEN: Final = (PayoutStatus.PENDING, PayoutStatus.SUBMITTED)


class Payout(Base):
    """Money on its way to a bank account: held until the bank has paid it or refused to.

    What was asked for never changes, and what has ended stays so (a trigger).
    amount: minor units; reason: why the bank refused; attempts: how often a worker was sent to
    the bank since it last said something new; next_attempt_at: when the next one is; flagged_at:
    since when somebody should look at it.
    """

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(
            "status IN ('PENDING', 'SUBMITTED', 'PAID', 'REFUSED')", name="status_known"
        ),
        CheckConstraint(
            "(status IN ('PENDING', 'SUBMITTED')) = (next_attempt_at IS NOT NULL)"
            " AND (status IN ('PENDING', 'SUBMITTED')) = (settled_at IS NULL)",
            name="open_until_settled",
        ),
        CheckConstraint("status <> 'SUBMITTED' OR submitted_at IS NOT NULL", name="submitted_when"),
        CheckConstraint("(status = 'REFUSED') = (reason IS NOT NULL)", name="refused_why"),
        Index("ix_payouts_user", "user_id", "id"),
        Index("ix_payouts_provider", "provider", "settled_at"),
        Index(
            "ix_payouts_due",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    bank_account_id: Mapped[UUID] = mapped_column(ForeignKey("bank_accounts.id"))
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("wallet_holds.id"), unique=True)
    provider: Mapped[str]
    status: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    description: Mapped[str | None]
    bank_reference: Mapped[str | None]
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime | None]
    flagged_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN
