"""Schemas of holds."""

from typing import Any

import marshmallow as ma

from app.common.examples import EXAMPLE_ID
from app.common.fields import (
    Amount,
    Choice,
    Id,
    MoneyOut,
    Schema,
    TextLines,
    Timestamp,
    WholeNumber,
)
from app.common.pagination import PageArgs, page_of
from app.wallets.holds.movements import MAX_TTL
from app.wallets.models import HoldStatus, TransactionType


class CreateHoldIn(Schema):
    payee_id = Id(
        required=True,
        metadata={
            "description": "ID of the merchant who can capture the hold",
            "example": EXAMPLE_ID,
        },
    )
    amount = Amount(required=True, metadata={"example": "40.00"})
    description = TextLines(
        max_length=200, allow_none=True, metadata={"example": "Room 12, two nights"}
    )
    expires_in = WholeNumber(
        minimum=1,
        maximum=int(MAX_TTL.total_seconds()),
        metadata={"description": "Seconds until it expires, 7 days by default", "example": 86400},
    )
    expires_at = Timestamp(
        metadata={
            "description": "Expiry time, in place of `expiresIn`; at most 30 days from now",
            "example": "2026-12-01T12:00:00Z",
        }
    )

    @ma.validates_schema
    def _require_one_expiry(self, data: dict[str, Any], **_: Any) -> None:
        if "expires_in" in data and "expires_at" in data:
            raise ma.ValidationError("Send expiresIn or expiresAt, not both.", "expiresAt")


class CaptureHoldIn(Schema):
    amount = Amount(
        metadata={
            "description": "Amount to capture; by default the full amount",
            "example": "40.00",
        }
    )


class HoldArgs(PageArgs):
    role = ma.fields.String(
        validate=ma.validate.OneOf(["payer", "payee"]),
        metadata={"description": "Only holds that the caller pays, or only those they receive"},
    )
    status = ma.fields.String(
        validate=ma.validate.OneOf(list(HoldStatus)),
        metadata={"description": "Only holds with this status"},
    )


class HoldOut(Schema):
    id = ma.fields.UUID(required=True)
    status = Choice(HoldStatus, required=True, metadata={"example": "ACTIVE"})
    type = Choice(
        TransactionType,
        required=True,
        metadata={"description": "Transaction type of its capture", "example": "PAYMENT"},
    )
    amount = MoneyOut(required=True, metadata={"example": "40.00"})
    captured_amount = MoneyOut(required=True, metadata={"example": "0.00"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    description = ma.fields.String(required=True, allow_none=True)
    payer_id = ma.fields.UUID(attribute="initiator_id", required=True)
    payee_id = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "null for a payout"}
    )
    reference_type = ma.fields.String(required=True, allow_none=True)
    reference_id = ma.fields.UUID(required=True, allow_none=True)
    expires_at = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    closed_at = Timestamp(required=True, allow_none=True)


HoldList = page_of(HoldOut)
