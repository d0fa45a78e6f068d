"""Shapes of wallets and their history."""

import marshmallow as ma

from app.common.fields import Amount, Moment, MoneyOut, Schema, Text
from app.common.pagination import PageArgs, page_of
from app.wallets.models import LimitWindow, TransactionType

_AMOUNT = {
    "description": "JSON number or decimal string, taken exactly; no more decimals than the "
    "currency has",
    "example": "100.00",
}


class DepositIn(Schema):
    amount = Amount(required=True, metadata=_AMOUNT)
    description = Text(longest=200, allow_none=True, metadata={"example": "Birthday money"})


class WithdrawIn(DepositIn):
    pass


class WalletOut(Schema):
    id = ma.fields.UUID(required=True)
    balance = MoneyOut(required=True, metadata={"example": "100.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    is_locked = ma.fields.Boolean(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    available = MoneyOut(required=True, metadata={"example": "100.00"})
    held = MoneyOut(required=True, metadata={"example": "0.00"})


class TransactionOut(Schema):
    id = ma.fields.UUID(required=True)
    type = ma.fields.String(required=True, metadata={"example": "DEPOSIT"})
    status = ma.fields.String(required=True, metadata={"example": "COMPLETED"})
    amount = MoneyOut(attribute="magnitude", required=True, metadata={"example": "100.00"})
    balance_before = MoneyOut(required=True, metadata={"example": "0.00"})
    balance_after = MoneyOut(required=True, metadata={"example": "100.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    description = ma.fields.String(required=True, allow_none=True)
    reference_type = ma.fields.String(required=True, allow_none=True)
    reference_id = ma.fields.UUID(required=True, allow_none=True)
    metadata = ma.fields.Dict(attribute="meta", required=True, allow_none=True)
    created_at = Moment(required=True)
    wallet_id = ma.fields.UUID(required=True)


class MovementOut(Schema):
    wallet = ma.fields.Nested(WalletOut, required=True)
    transaction = ma.fields.Nested(TransactionOut, required=True)


class HistoryArgs(PageArgs):
    kind = ma.fields.String(
        data_key="type",
        validate=ma.validate.OneOf(list(TransactionType)),
        metadata={"description": "Only this type"},
    )
    since = Moment(data_key="from", metadata={"description": "From this moment on"})
    until = Moment(data_key="to", metadata={"description": "Before this moment"})


class LimitIn(Schema):
    kind = ma.fields.String(
        data_key="type",
        required=True,
        validate=ma.validate.OneOf([TransactionType.DEPOSIT, TransactionType.WITHDRAWAL]),
    )
    window = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(LimitWindow)),
        metadata={"description": "Per transaction, or per rolling 24 hours or 30 days"},
    )
    amount = Amount(required=True, zero_allowed=True, metadata={"example": "500.00"})


class LimitOut(Schema):
    type = ma.fields.String(required=True)
    window = ma.fields.String(required=True)
    amount = ma.fields.String(required=True)
    currency = ma.fields.String(required=True)


TransactionPage = page_of(TransactionOut)
