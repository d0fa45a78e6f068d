"""Shapes of bank accounts and payouts. Of an account's number only the end goes out."""

import re
from typing import Any

import marshmallow as ma

from app.common.fields import Amount, Id, Moment, MoneyOut, Schema, Text
from app.common.pagination import page_of


class Code(ma.fields.String):
    """Letters and digits as people write them, in groups and in small letters, too."""

    def __init__(self, *, shortest: int, longest: int, metadata: dict[str, Any]) -> None:
        self._shape = rf"^[ -]*([A-Za-z0-9][ -]*){{{shortest},{longest}}}$"
        self._problem = f"Must be {shortest} to {longest} letters and digits."
        super().__init__(required=True, metadata={"pattern": self._shape, **metadata})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not re.fullmatch(self._shape.strip("^$"), value):
            raise ma.ValidationError(self._problem)
        return value.replace(" ", "").replace("-", "").upper()


class CreateBankAccountIn(Schema):
    provider = Text(
        longest=16,
        required=True,
        metadata={"description": "Code of the bank, such as HDFC or AXIS", "example": "HDFC"},
    )
    holder = Text(
        longest=100,
        required=True,
        metadata={"description": "Name of the account holder", "example": "Alice Jones"},
    )
    number = Code(
        shortest=8,
        longest=34,
        metadata={"description": "Account number or IBAN", "example": "50100123453456"},
    )
    routing = Code(
        shortest=4,
        longest=15,
        metadata={
            "description": "Bank identifier: IFSC, BIC, routing number or sort code",
            "example": "HDFC0001234",
        },
    )
    label = Text(longest=50, allow_none=True, metadata={"example": "Savings"})


class BankAccountOut(Schema):
    id = ma.fields.UUID(required=True)
    provider = ma.fields.String(required=True, metadata={"example": "HDFC"})
    holder = ma.fields.String(required=True, metadata={"example": "Alice Jones"})
    number = ma.fields.String(
        required=True,
        metadata={"description": "Masked: only the last digits", "example": "••••••3456"},
    )
    routing = ma.fields.String(required=True, metadata={"example": "HDFC0001234"})
    label = ma.fields.String(required=True, allow_none=True, metadata={"example": "Savings"})
    created_at = Moment(required=True)


class CreatePayoutIn(Schema):
    bank_account_id = Id(
        required=True,
        metadata={
            "description": "ID of a saved bank account",
            "example": "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11",
        },
    )
    amount = Amount(
        required=True,
        metadata={
            "description": "Decimal string or JSON number, used exactly; no more decimal places "
            "than the currency has",
            "example": "25.00",
        },
    )
    description = Text(longest=200, allow_none=True, metadata={"example": "Earnings of May"})


class PayoutOut(Schema):
    id = ma.fields.UUID(attribute="payout.id", required=True)
    status = ma.fields.String(
        attribute="payout.status",
        required=True,
        metadata={
            "description": "PENDING, SUBMITTED (accepted by the bank), PAID or REFUSED",
            "example": "PENDING",
        },
    )
    amount = MoneyOut(attribute="payout.amount", required=True, metadata={"example": "25.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    bank_account = ma.fields.Nested(BankAccountOut, attribute="account", required=True)
    description = ma.fields.String(
        attribute="payout.description",
        required=True,
        allow_none=True,
        metadata={"example": "Earnings of May"},
    )
    bank_reference = ma.fields.String(
        attribute="payout.bank_reference",
        required=True,
        allow_none=True,
        metadata={"description": "The bank's reference", "example": "HDFC-7F3A21"},
    )
    reason = ma.fields.String(
        attribute="payout.reason",
        required=True,
        allow_none=True,
        metadata={"description": "Why the bank refused it"},
    )
    created_at = Moment(attribute="payout.created_at", required=True)
    submitted_at = Moment(attribute="payout.submitted_at", required=True, allow_none=True)
    settled_at = Moment(attribute="payout.settled_at", required=True, allow_none=True)


PayoutList = page_of(PayoutOut)
