"""Schemas of webhooks."""

import marshmallow as ma
from marshmallow.validate import Length, OneOf

from app.banks.types import BankEventType
from app.common.examples import EXAMPLE_ID
from app.common.fields import Amount, Schema, Timestamp

_REFERENCE = {
    "description": "The reference that we gave the bank",
    "example": "hT3kP0aXo5l7Qd8cYw2ZbN4uR6vS9eF1gJmKiLpHtEs",
}


class _BankSchema(Schema):
    class Meta:
        unknown = ma.EXCLUDE  # a bank may send additional fields, now or later


class BankEventDataIn(_BankSchema):
    reference = ma.fields.String(required=True, validate=Length(1, 255), metadata=_REFERENCE)
    amount = Amount(load_default=None, allow_none=True, metadata={"example": "25.00"})
    currency = ma.fields.String(
        load_default=None, allow_none=True, validate=Length(1, 10), metadata={"example": "USD"}
    )
    user_id = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=Length(0, 255),
        metadata={"example": EXAMPLE_ID},
    )
    bank_reference = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=Length(0, 255),
        metadata={"example": "HDFC-20261121-000017"},
    )
    reason = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=Length(0, 1000),
        metadata={"description": "Why it failed or was refused", "example": "declined"},
    )


class BankEventIn(_BankSchema):
    id = ma.fields.String(validate=Length(1, 255), metadata={"example": "evt_5f0c2a9b7d1e"})
    type = ma.fields.String(required=True, validate=OneOf(list(BankEventType)))
    created_at = Timestamp(metadata={"example": "2026-11-21T09:30:00.000Z"})
    data = ma.fields.Nested(
        BankEventDataIn,
        required=True,
        metadata={
            "description": "Amount and currency, and for a payment the user, must equal those of "
            "the request; an event that differs is quarantined",
            "example": {
                "reference": _REFERENCE["example"],
                "amount": "25.00",
                "currency": "USD",
                "userId": EXAMPLE_ID,
                "bankReference": "HDFC-20261121-000017",
            },
        },
    )


class BankEventReceiptOut(Schema):
    received = ma.fields.Boolean(required=True, metadata={"example": True})
