"""Schemas of payouts."""

import marshmallow as ma

from app.common.examples import EXAMPLE_ID
from app.common.fields import Amount, Choice, Id, MoneyOut, Schema, TextLines, Timestamp
from app.common.pagination import page_of
from app.payouts.bank_accounts.schemas import BankAccountOut
from app.payouts.models import PayoutStatus


class CreatePayoutIn(Schema):
    bank_account_id = Id(
        required=True,
        metadata={"description": "ID of a saved bank account", "example": EXAMPLE_ID},
    )
    amount = Amount(required=True, metadata={"example": "25.00"})
    description = TextLines(
        max_length=200, allow_none=True, metadata={"example": "Earnings of May"}
    )


class PayoutOut(Schema):
    id = ma.fields.UUID(attribute="payout.id", required=True)
    status = Choice(
        PayoutStatus,
        attribute="payout.status",
        required=True,
        metadata={
            "description": "PENDING, SUBMITTED (accepted by the bank), PAID or REFUSED",
            "example": "PENDING",
        },
    )
    amount = MoneyOut(attribute="payout.amount", required=True, metadata={"example": "25.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    bank_account = ma.fields.Nested(BankAccountOut, required=True)
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
    created_at = Timestamp(attribute="payout.created_at", required=True)
    submitted_at = Timestamp(attribute="payout.submitted_at", required=True, allow_none=True)
    settled_at = Timestamp(attribute="payout.settled_at", required=True, allow_none=True)


PayoutList = page_of(PayoutOut)
