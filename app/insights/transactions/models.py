"""The feed of transactions, and its sums."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import known_values, mutable
from app.common.db import Base


class FeedKind(StrEnum):
    """What a transaction is. PAYMENT_REQUEST and MERCHANT_CODE are transfers that pay one."""

    PURCHASE = "PURCHASE"
    TRANSFER = "TRANSFER"
    PAYMENT_REQUEST = "PAYMENT_REQUEST"
    MERCHANT_CODE = "MERCHANT_CODE"
    HOLD = "HOLD"
    WITHDRAWAL = "WITHDRAWAL"
    PAYOUT = "PAYOUT"


class FeedStatus(StrEnum):
    """APPROVED: the money has moved or is on hold. DECLINED: refused, for a reason of money or
    risk. REVIEW: an administrator decides, which is a transaction of its own."""

    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    REVIEW = "REVIEW"


class FeedUser(Base):
    """The number by which a user appears in the feed: stable, and no ID of anything."""

    __tablename__ = "feed_users"
    __table_args__ = ({"info": {"append_only": True}},)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True), unique=True)


class FeedTransaction(Base):
    """One decided attempt to move money out of a wallet.

    id: grows in the order in which transactions entered the feed. transaction_id: the ID of what
    was posted - an order, transfer, hold, payout or journal entry -, or of the event of a refusal
    or review. merchant_id: of the merchant who is paid, if one is; merchant_name: the merchant's
    public name, or what is done with the money. amount: minor units. decline_reason: the stable
    code of the error. latency_ms: from the arrival of the request to the decision; risk_score: 0 to
    1. Both are NULL if they were not measured.
    """

    __tablename__ = "feed_transactions"
    __table_args__ = (
        known_values("kind", FeedKind),
        known_values(
            "status", FeedStatus, also="(status = 'DECLINED') = (decline_reason IS NOT NULL)"
        ),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint("latency_ms >= 0", name="latency_not_negative"),
        CheckConstraint("risk_score BETWEEN 0 AND 1", name="risk_score_within"),
        Index("ix_feed_transactions_user", "user_id", "id"),
        Index("ix_feed_transactions_merchant", "merchant_id", "id"),
        Index("ix_feed_transactions_occurred_at", "occurred_at"),
        mutable(deleted=True),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    user_number: Mapped[int]
    kind: Mapped[str]
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    merchant_name: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]
    decline_reason: Mapped[str | None]
    latency_ms: Mapped[int | None] = mapped_column(Integer)
    risk_score: Mapped[Decimal | None] = mapped_column(Numeric)
    occurred_at: Mapped[datetime]


#: The columns of sums that are added up.
COUNTS: Final = ("approved", "declined", "reviewed", "volume", "measured", "latency_ms")


class _Sums:
    """approved, declined, reviewed: transactions by status; volume: minor units of the approved
    ones; measured: those with a latency; latency_ms: the sum of these latencies."""

    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    approved: Mapped[int]
    declined: Mapped[int]
    reviewed: Mapped[int]
    volume: Mapped[int]
    measured: Mapped[int]
    latency_ms: Mapped[int]


class TransactionMinute(_Sums, Base):
    """The sums of the transactions of a minute, kept as long as the feed."""

    __tablename__ = "transaction_minutes"
    __table_args__ = (mutable(*COUNTS, deleted=True),)


class TransactionDay(_Sums, Base):
    """The sums of the transactions of a day in UTC, kept forever: totals add them up."""

    __tablename__ = "transaction_days"
    __table_args__ = (mutable(*COUNTS, deleted=True),)
