"""Schemas of wallets, transactions and limits."""

from datetime import datetime
from typing import Any, Final

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.csv_documents import CsvArgs
from app.common.fields import Amount, Choice, MoneyOut, Schema, TextLines, Timestamp, serializes
from app.common.money import format_minor
from app.common.pagination import SortablePageArgs, page_of
from app.common.time_range import ReportRangeArgs
from app.wallets.ledger import Account
from app.wallets.models import (
    WINDOWS,
    LimitType,
    LimitWindow,
    TransactionType,
    WalletTransaction,
)

_NUMBER = {
    "description": "Wallet number: 12 digits, the last one a check digit",
    "example": "482109375513",
}


class CreateDepositIn(Schema):
    amount = Amount(required=True, metadata={"example": "100.00"})
    description = TextLines(max_length=200, allow_none=True, metadata={"example": "Birthday money"})


class CreateWithdrawalIn(Schema):
    amount = Amount(required=True, metadata={"example": "25.00"})
    description = TextLines(max_length=200, allow_none=True, metadata={"example": "Rent"})


class WalletOut(Schema):
    id = ma.fields.UUID(required=True)
    balance = MoneyOut(required=True, metadata={"example": "100.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    is_locked = ma.fields.Boolean(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    available = MoneyOut(required=True, metadata={"example": "100.00"})
    held = MoneyOut(required=True, metadata={"example": "0.00"})
    number = ma.fields.String(required=True, metadata=_NUMBER)


class WalletSnapshotOut(WalletOut):
    """A wallet now, or at a time in the past."""

    available = MoneyOut(
        required=True,
        allow_none=True,
        metadata={"description": "null with `at`", "example": "100.00"},
    )
    held = MoneyOut(
        required=True,
        allow_none=True,
        metadata={"description": "null with `at`", "example": "0.00"},
    )
    at = Timestamp(metadata={"description": "The requested time, only with `at`"})


class AtArgs(Schema):
    at = Timestamp()


AT_ARGS: Final = AtArgs()
AT_PARAMETER: Final = {
    "in": "query",
    "name": "at",
    "description": "Returns the balance at this time in the past",
    "schema": {"type": "string", "format": "date-time"},
    "example": "2026-01-01T00:00:00Z",
}


class TransactionOut(Schema):
    id = ma.fields.UUID(required=True)
    type = Choice(TransactionType, required=True, metadata={"example": "DEPOSIT"})
    status = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["COMPLETED"]),
        metadata={"description": "A posting is always COMPLETED", "example": "COMPLETED"},
    )
    amount = MoneyOut(attribute="magnitude", required=True, metadata={"example": "100.00"})
    balance_before = MoneyOut(required=True, metadata={"example": "0.00"})
    balance_after = MoneyOut(required=True, metadata={"example": "100.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    description = ma.fields.String(required=True, allow_none=True)
    reference_type = ma.fields.String(required=True, allow_none=True)
    reference_id = ma.fields.UUID(required=True, allow_none=True)
    metadata = ma.fields.Dict(attribute="meta", required=True, allow_none=True)
    created_at = Timestamp(required=True)
    wallet_id = ma.fields.UUID(required=True)
    order_number = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Number of the order that it pays or refunds; null without",
            "example": None,
        },
    )


@serializes(WalletOut)
def wallet_out(wallet: Account) -> dict[str, Any]:
    """What WalletOut describes; serialized by hand because it is on a hot path."""
    currency = wallet.currency
    return {
        "id": wallet.id,
        "balance": format_minor(wallet.balance, currency),
        "currency": currency,
        "isLocked": wallet.is_locked,
        "createdAt": format_timestamp(wallet.created_at),
        "updatedAt": format_timestamp(wallet.updated_at),
        "available": format_minor(wallet.available, currency),
        "held": format_minor(wallet.held, currency),
        "number": wallet.number,
    }


@serializes(WalletSnapshotOut)
def past_wallet_out(wallet: Account, *, at: datetime) -> dict[str, Any]:
    """What WalletSnapshotOut describes, at a time in the past."""
    return wallet_out(wallet) | {"available": None, "held": None, "at": format_timestamp(at)}


@serializes(TransactionOut)
def transaction_out(posting: WalletTransaction, order_number: str | None = None) -> dict[str, Any]:
    """What TransactionOut describes; serialized by hand because it is on a hot path.

    order_number: None for what belongs to no order.
    """
    currency = posting.currency
    return {
        "id": posting.id,
        "type": posting.type,
        "status": posting.status,
        "amount": format_minor(posting.magnitude, currency),
        # Never NULL here: only platform accounts have no running balance, and none is ever listed.
        "balanceBefore": format_minor(posting.balance_before or 0, currency),
        "balanceAfter": format_minor(posting.balance_after or 0, currency),
        "currency": currency,
        "description": posting.description,
        "referenceType": posting.reference_type,
        "referenceId": posting.reference_id,
        "metadata": posting.meta,
        "createdAt": format_timestamp(posting.created_at),
        "walletId": posting.wallet_id,
        "orderNumber": order_number,
    }


class WalletMovementOut(Schema):
    wallet = ma.fields.Nested(WalletOut, required=True)
    transaction = ma.fields.Nested(TransactionOut, required=True)


@serializes(WalletMovementOut)
def movement_out(movement: tuple[Account, WalletTransaction]) -> dict[str, Any]:
    """What WalletMovementOut describes."""
    wallet, transaction = movement
    return {"wallet": wallet_out(wallet), "transaction": transaction_out(transaction)}


class HistoryFilters(ReportRangeArgs):
    kind = ma.fields.String(
        data_key="type",
        validate=ma.validate.OneOf(list(TransactionType)),
        metadata={"description": "Only transactions of this type"},
    )


class HistoryArgs(SortablePageArgs, HistoryFilters):
    pass


class ExportTransactionsArgs(CsvArgs, HistoryFilters):
    pass


_WINDOWS = " or ".join(
    f"{window.lower()} ({length.days} times 24 hours)" for window, length in WINDOWS.items()
)


class LimitArgs(Schema):
    """The type and window that identify a limit."""

    kind = ma.fields.String(
        data_key="type",
        required=True,
        validate=ma.validate.OneOf(list(LimitType)),
        metadata={
            "description": "A type of movement, or all of one direction together",
            "example": "DEPOSIT",
        },
    )
    window = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(LimitWindow)),
        metadata={
            "description": f"Per transaction, or per rolling {_WINDOWS}",
            "example": "TRANSACTION",
        },
    )


class SetLimitIn(LimitArgs):
    amount = Amount(required=True, zero_allowed=True, metadata={"example": "500.00"})


class LimitOut(Schema):
    type = Choice(LimitType, required=True)
    window = Choice(LimitWindow, required=True)
    amount = ma.fields.String(required=True)
    currency = ma.fields.String(required=True)


class EffectiveLimitOut(Schema):
    type = Choice(LimitType, required=True, metadata={"example": "DEPOSIT"})
    window = Choice(LimitWindow, required=True, metadata={"example": "DAY"})
    limit = MoneyOut(attribute="amount", required=True, metadata={"example": "1000000.00"})
    used = MoneyOut(required=True, metadata={"example": "250.00"})
    remaining = MoneyOut(required=True, metadata={"example": "999750.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    frees_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When the oldest counted movement leaves the window"},
    )
    is_own = ma.fields.Boolean(
        required=True, metadata={"description": "Whether it is set for this user, not their role"}
    )


TransactionList = page_of(TransactionOut)
