"""The ledger's tables: wallets (accounts), journal entries, and their postings."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.common.bulk import row_class
from app.common.columns import Created, Identified, Timestamped, known_values
from app.common.db import Base
from app.idempotency.models import key_index


class WalletKind(StrEnum):
    USER = "USER"
    SYSTEM = "SYSTEM"


class SystemCode(StrEnum):
    """Accounts of the house: the outside world (banks, and the gateway that buyers pay at), what
    we earn, what waits."""

    BANK = "BANK"
    GATEWAY = "GATEWAY"
    FEES = "FEES"
    ESCROW = "ESCROW"


class TransactionType(StrEnum):
    """What a posting is; it tells the direction, too.

    DEPOSIT and WITHDRAWAL are the sandbox's way in and out, ONRAMP and PAYOUT the bank's. REFUND
    is what a buyer gets back, REFUND_OUT what the merchant gives, FEE_REFUND the platform's part.
    """

    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    ONRAMP = "ONRAMP"
    PAYOUT = "PAYOUT"
    TRANSFER_IN = "TRANSFER_IN"
    TRANSFER_OUT = "TRANSFER_OUT"
    PAYMENT = "PAYMENT"
    EARNING = "EARNING"
    FEE = "FEE"
    REFUND = "REFUND"
    REFUND_OUT = "REFUND_OUT"
    FEE_REFUND = "FEE_REFUND"


#: What limits are about. Buying and selling are not limited.
LIMITED: Final = "('DEPOSIT', 'WITHDRAWAL', 'ONRAMP', 'PAYOUT', 'TRANSFER_IN', 'TRANSFER_OUT')"


class Wallet(Identified, Timestamped, Base):
    """An account. A SYSTEM wallet keeps no running balance, so that it never becomes a hot row."""

    __tablename__ = "wallets"
    __table_args__ = (
        UniqueConstraint("user_id", "currency", name="uq_wallets_owner"),
        UniqueConstraint("code", "currency", name="uq_wallets_code"),
        CheckConstraint("(kind = 'USER') = (user_id IS NOT NULL)", name="user_has_owner"),
        CheckConstraint("(kind = 'SYSTEM') = (code IS NOT NULL)", name="system_has_code"),
        CheckConstraint("balance >= 0", name="balance_not_negative"),
        CheckConstraint("held >= 0 AND held <= balance", name="held_within_balance"),
        CheckConstraint("kind = 'USER' OR (balance = 0 AND sequence = 0)", name="system_appends"),
        CheckConstraint("(kind = 'USER') = (number IS NOT NULL)", name="user_has_number"),
        # Room on the page lets a balance change in place, without touching any index.
        {"postgresql_with": {"fillfactor": "50"}},
    )

    kind: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    code: Mapped[str | None]
    #: What people call it: 12 digits, the last a check digit (ISO 7064, MOD 11,10).
    number: Mapped[str | None] = mapped_column(
        unique=True, server_default=text("new_wallet_number()")
    )
    currency: Mapped[str]
    balance: Mapped[int] = mapped_column(server_default="0")
    held: Mapped[int] = mapped_column(server_default="0")
    sequence: Mapped[int] = mapped_column(server_default="0")
    is_locked: Mapped[bool] = mapped_column(server_default="false")
    lock_reason: Mapped[str | None]

    @property
    def available(self) -> int:
        return self.balance - self.held


class JournalEntry(Identified, Created, Base):
    """One movement of money; its postings sum to zero."""

    __tablename__ = "journal_entries"
    __table_args__ = (
        # For ever: an old key can never move money twice.
        key_index("uq_journal_entries_key", "initiator_id"),
        # Whatever a bank repeats: an on-ramp is credited once.
        Index(
            "uq_journal_entries_onramp",
            "reference_id",
            unique=True,
            postgresql_where=text("kind = 'ONRAMP'"),
        ),
        # Whatever a bank answers, tells and repeats: a payout leaves once.
        Index(
            "uq_journal_entries_payout",
            "reference_id",
            unique=True,
            postgresql_where=text("kind = 'PAYOUT'"),
        ),
        # Whatever the gateway repeats: an order is paid for once, and a refund goes elsewhere once.
        Index(
            "uq_journal_entries_gateway",
            "kind",
            "reference_id",
            unique=True,
            postgresql_where=text("kind IN ('GATEWAY_PURCHASE', 'REFUND_REDIRECT')"),
        ),
        {"info": {"append_only": True}},
    )

    kind: Mapped[str]
    reference_type: Mapped[str | None]
    reference_id: Mapped[UUID | None]
    initiator_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str | None]
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata")


JournalEntryRow: Final = row_class(JournalEntry)


class WalletTransaction(Identified, Created, Base):
    """A posting: one line of a journal entry, in one wallet. Never changed, never deleted.

    amount: signed minor units. Before, after and sequence are NULL for SYSTEM wallets, which
    are appended to without a lock.
    """

    __tablename__ = "wallet_transactions"
    __table_args__ = (
        UniqueConstraint("wallet_id", "sequence", name="uq_wallet_transactions_sequence"),
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        CheckConstraint("balance_after = balance_before + amount", name="after_is_before_plus"),
        CheckConstraint(
            "(sequence IS NULL) = (balance_before IS NULL)"
            " AND (sequence IS NULL) = (balance_after IS NULL)",
            name="running_or_appended",
        ),
        CheckConstraint("balance_after >= 0 AND balance_before >= 0", name="never_overdrawn"),
        Index("ix_wallet_transactions_entry", "journal_entry_id"),
        # What limits are summed over; purchases and sales are not limited and stay out of it.
        Index(
            "ix_wallet_transactions_limited",
            "wallet_id",
            "type",
            "created_at",
            postgresql_where=text(f"type IN {LIMITED}"),
        ),
        {"info": {"append_only": True}},
    )

    journal_entry_id: Mapped[UUID] = mapped_column(ForeignKey("journal_entries.id"))
    wallet_id: Mapped[UUID] = mapped_column(ForeignKey("wallets.id"))
    sequence: Mapped[int | None]
    type: Mapped[str]
    status: Mapped[str]
    amount: Mapped[int]
    balance_before: Mapped[int | None]
    balance_after: Mapped[int | None]
    currency: Mapped[str]
    description: Mapped[str | None]
    reference_type: Mapped[str | None]
    reference_id: Mapped[UUID | None]
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata")

    @property
    def magnitude(self) -> int:
        return abs(self.amount)


WalletTransactionRow: Final = row_class(WalletTransaction)


class HoldStatus(StrEnum):
    ACTIVE = "ACTIVE"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"


class WalletHold(Identified, Created, Base):
    """Money that is promised: it reduces `available` at once and is captured or let go later.

    type: as what it is posted when it is captured; captured_amount: of `amount`, the rest was let
    go; payee_id: who captures it, None for the house; expires_at: None for one that must be
    settled.
    """

    __tablename__ = "wallet_holds"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(
            "captured_amount BETWEEN 0 AND amount"
            " AND (status = 'CAPTURED') = (captured_amount > 0)",
            name="captured_within_amount",
        ),
        known_values("status", HoldStatus, also="(status = 'ACTIVE') = (closed_at IS NULL)"),
        Index("ix_wallet_holds_wallet", "wallet_id", "id"),
        Index("ix_wallet_holds_payee", "payee_id", "id"),
        Index("ix_wallet_holds_reference", "reference_type", "reference_id"),
        Index("ix_wallet_holds_active", "wallet_id", postgresql_where=text("status = 'ACTIVE'")),
        Index(
            "ix_wallet_holds_expiring",
            "expires_at",
            postgresql_where=text("status = 'ACTIVE' AND expires_at IS NOT NULL"),
        ),
        # For ever: an old key can never promise money twice.
        key_index("uq_wallet_holds_key", "initiator_id"),
    )

    wallet_id: Mapped[UUID] = mapped_column(ForeignKey("wallets.id"))
    payee_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    type: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int]
    captured_amount: Mapped[int] = mapped_column(server_default="0")
    status: Mapped[str]
    description: Mapped[str | None]
    reference_type: Mapped[str | None]
    reference_id: Mapped[UUID | None]
    initiator_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class LimitType(StrEnum):
    """What a limit is about: one kind of movement, or all of one direction together."""

    DEPOSIT = "DEPOSIT"
    ONRAMP = "ONRAMP"
    TRANSFER_IN = "TRANSFER_IN"
    INCOMING = "INCOMING"
    WITHDRAWAL = "WITHDRAWAL"
    PAYOUT = "PAYOUT"
    TRANSFER_OUT = "TRANSFER_OUT"
    OUTGOING = "OUTGOING"


class LimitWindow(StrEnum):
    TRANSACTION = "TRANSACTION"
    DAY = "DAY"
    MONTH = "MONTH"


class WalletLimit(Identified, Base):
    """The most that may move one way in a rolling window: by role, or for one user instead."""

    __tablename__ = "wallet_limits"
    __table_args__ = (
        UniqueConstraint("role", "type", "window", "currency", name="uq_wallet_limits_role"),
        UniqueConstraint("user_id", "type", "window", "currency", name="uq_wallet_limits_user"),
        CheckConstraint("(role IS NULL) <> (user_id IS NULL)", name="role_or_user"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        known_values("window", LimitWindow),
        CheckConstraint(
            f"type IN {LIMITED} OR type IN ('INCOMING', 'OUTGOING')", name="type_limited"
        ),
    )

    role: Mapped[str | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    type: Mapped[str]
    window: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int]
    updated_at: Mapped[datetime]
