"""The ledger's tables: wallets (accounts), journal entries, and their postings."""

from datetime import datetime, timedelta
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
from app.common.columns import Created, Identified, Monetary, Timestamped, known_values, mutable
from app.common.db import Base
from app.idempotency.models import ATTEMPT_ID, key_index


class WalletKind(StrEnum):
    USER = "USER"
    SYSTEM = "SYSTEM"


class SystemCode(StrEnum):
    """Platform accounts: BANK and GATEWAY are the outside world, FEES is revenue, and ESCROW is
    not used yet."""

    BANK = "BANK"
    GATEWAY = "GATEWAY"
    FEES = "FEES"
    ESCROW = "ESCROW"


class TransactionType(StrEnum):
    """The type of a posting, which also determines its direction.

    DEPOSIT and WITHDRAWAL bring money in and out in the sandbox, ONRAMP and PAYOUT through a bank.
    REFUND is credited to the buyer; REFUND_OUT is debited from the merchant, FEE_REFUND from the
    platform.
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


class LimitType(StrEnum):
    """What a limit applies to: one type of movement, or all movements of one direction.

    PAYMENT covers purchases, and holds for merchants with their captures.
    """

    DEPOSIT = "DEPOSIT"
    ONRAMP = "ONRAMP"
    TRANSFER_IN = "TRANSFER_IN"
    INCOMING = "INCOMING"
    WITHDRAWAL = "WITHDRAWAL"
    PAYOUT = "PAYOUT"
    TRANSFER_OUT = "TRANSFER_OUT"
    PAYMENT = "PAYMENT"
    OUTGOING = "OUTGOING"


#: The movements that count towards a limit on a direction, besides the limit on their own type.
DIRECTIONS: Final = {
    LimitType.INCOMING: (
        TransactionType.DEPOSIT,
        TransactionType.ONRAMP,
        TransactionType.TRANSFER_IN,
    ),
    LimitType.OUTGOING: (
        TransactionType.WITHDRAWAL,
        TransactionType.PAYOUT,
        TransactionType.TRANSFER_OUT,
        TransactionType.PAYMENT,
    ),
}

#: The types that limits apply to, and as a list in SQL. Sales, fees and refunds are not limited.
LIMITED_TYPES: Final = tuple(kind for kinds in DIRECTIONS.values() for kind in kinds)
LIMITED: Final = "({})".format(", ".join(f"'{kind}'" for kind in LIMITED_TYPES))
#: Totals start again at zero when they reach it: only the difference of two of them matters.
TOTALS_MODULUS: Final = 2**63


class Wallet(Identified, Timestamped, Base):
    """A ledger account. A SYSTEM wallet keeps no running balance, so it never is a hot row."""

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
        # The catalogue leaves out the products of these few merchants. An update of the balance
        # does not touch the index, because it changes none of its columns.
        Index(
            "ix_wallets_locked",
            "user_id",
            "currency",
            postgresql_where=text("is_locked AND user_id IS NOT NULL"),
        ),
        # For administrators. No balance is indexed, so that a new one changes no index.
        Index("ix_wallets_currency", "currency", "id"),
        Index("ix_wallets_locked_newest", "id", postgresql_where=text("is_locked")),
        # Free space on each page allows HOT updates: a new balance changes no index.
        {"postgresql_with": {"fillfactor": "50"}}
        | mutable(
            "balance", "held", "sequence", "totals", "is_locked", "lock_reason", "updated_at"
        ),
    )

    kind: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    code: Mapped[str | None]
    #: The wallet's public number: 12 digits, the last a check digit (ISO 7064, MOD 11,10).
    number: Mapped[str | None] = mapped_column(
        unique=True, server_default=text("new_wallet_number()")
    )
    currency: Mapped[str]
    balance: Mapped[int] = mapped_column(server_default="0")
    held: Mapped[int] = mapped_column(server_default="0")
    sequence: Mapped[int] = mapped_column(server_default="0")
    #: By type that limits apply to: `type_total` and `uncoded_total` of its last posting, and, once
    #: a limit or threshold was near, what they were before earlier windows (`Usage.read_exactly`).
    totals: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    is_locked: Mapped[bool] = mapped_column(server_default="false")
    lock_reason: Mapped[str | None]

    @property
    def available(self) -> int:
        return self.balance - self.held


class JournalEntry(Created, Base):
    """One movement of money; its postings sum to zero."""

    __tablename__ = "journal_entries"
    __table_args__ = (
        # Kept forever: an old key can never move money twice.
        key_index("uq_journal_entries_key", "initiator_id"),
        # An on-ramp is credited once, even if the bank repeats its webhook.
        Index(
            "uq_journal_entries_onramp",
            "reference_id",
            unique=True,
            postgresql_where=text("kind = 'ONRAMP'"),
        ),
        # A payout is debited once, even if the bank repeats an answer or a webhook.
        Index(
            "uq_journal_entries_payout",
            "reference_id",
            unique=True,
            postgresql_where=text("kind = 'PAYOUT'"),
        ),
        # An order is paid once and a refund redirected once, even if the gateway repeats a webhook.
        Index(
            "uq_journal_entries_gateway",
            "kind",
            "reference_id",
            unique=True,
            postgresql_where=text("kind IN ('GATEWAY_PURCHASE', 'REFUND_REDIRECT')"),
        ),
        {"info": {"append_only": True}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=ATTEMPT_ID)
    kind: Mapped[str]
    reference_type: Mapped[str | None]
    reference_id: Mapped[UUID | None]
    initiator_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str | None]
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata")


JournalEntryRow: Final = row_class(JournalEntry)


class WalletTransaction(Identified, Created, Base):
    """A posting: one line of a journal entry, in one wallet. Never changed, never deleted.

    amount: signed minor units. balance_before, balance_after and sequence are NULL for SYSTEM
    wallets, whose postings are appended without a lock. with_code: whether the payer authorized it
    with a two-factor code. type_total: minor units that the postings of this type have moved in
    this wallet, up to and including this one; uncoded_total: those without a code. Both are NULL
    where no limit applies.
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
        CheckConstraint(
            f"(sequence IS NOT NULL AND type IN {LIMITED}) = (type_total IS NOT NULL)"
            " AND (type_total IS NULL) = (uncoded_total IS NULL)",
            name="limited_has_totals",
        ),
        Index("ix_wallet_transactions_entry", "journal_entry_id"),
        # For the sums of limits and of the outflow policy. Two of its rows give one.
        Index(
            "ix_wallet_transactions_limited",
            "wallet_id",
            "type",
            "created_at",
            "sequence",
            postgresql_include=["amount", "with_code", "type_total", "uncoded_total"],
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
    with_code: Mapped[bool] = mapped_column(server_default="false")
    type_total: Mapped[int | None]
    uncoded_total: Mapped[int | None]

    @property
    def magnitude(self) -> int:
        return abs(self.amount)


WalletTransactionRow: Final = row_class(WalletTransaction)


class HoldStatus(StrEnum):
    ACTIVE = "ACTIVE"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"


class WalletHold(Created, Monetary, Base):
    """Reserved money: it reduces `available` immediately and is captured or released later.

    type: transaction type of its capture; captured_amount: part of `amount`, the rest was
    released; payee_id: the user who can capture it, None for the platform; expires_at: None if it
    does not expire; with_code: whether the payer authorized it with a two-factor code.
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
        # Kept forever: an old key can never hold money twice.
        key_index("uq_wallet_holds_key", "initiator_id"),
        mutable("captured_amount", "status", "closed_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=ATTEMPT_ID)
    wallet_id: Mapped[UUID] = mapped_column(ForeignKey("wallets.id"))
    payee_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    type: Mapped[str]
    captured_amount: Mapped[int] = mapped_column(server_default="0")
    status: Mapped[str]
    description: Mapped[str | None]
    reference_type: Mapped[str | None]
    reference_id: Mapped[UUID | None]
    initiator_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    with_code: Mapped[bool] = mapped_column(server_default="false")


#: A new hold, or one that a movement changes in memory.
WalletHoldRow: Final = row_class(WalletHold)


class Payee(Base):
    """A user whom another user has paid, or for whom they placed a hold. Append-only.

    Purchases and holds that are small together do not count (app.wallets.outflow).
    """

    __tablename__ = "payees"
    __table_args__ = ({"info": {"append_only": True}},)

    payer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    payee_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    first_paid_at: Mapped[datetime]


PayeeRow: Final = row_class(Payee)


class LimitWindow(StrEnum):
    TRANSACTION = "TRANSACTION"
    DAY = "DAY"
    MONTH = "MONTH"


#: The lengths of the rolling windows.
WINDOWS: Final = {LimitWindow.DAY: timedelta(days=1), LimitWindow.MONTH: timedelta(days=30)}


class WalletLimit(Identified, Base):
    """The maximum amount that may move in a rolling window: per role, or for one user."""

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
        mutable("amount", "updated_at", deleted=True),
    )

    role: Mapped[str | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    type: Mapped[str]
    window: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int]
    updated_at: Mapped[datetime]
