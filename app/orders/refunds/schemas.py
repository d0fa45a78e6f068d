"""Schemas of refunds."""

from typing import Any

import marshmallow as ma

from app.auth.schemas import ReasonIn
from app.common.fields import Amount, Choice, MoneyOut, Schema, TextLines, Timestamp, WholeNumber
from app.orders.models import RefundDestination, RefundStatus
from app.orders.numbers import EXAMPLE_NUMBER

_AMOUNT = {"description": "Amount to refund", "example": "10.00"}
_UNITS = {"description": "Number of units to refund and take back", "example": 1}


class RefundPartIn(Schema):
    amount = Amount(metadata=_AMOUNT)
    units = WholeNumber(minimum=1, maximum=1_000_000, metadata=_UNITS)

    @ma.validates_schema
    def _require_amount_or_units(self, data: dict[str, Any], **_: Any) -> None:
        if "amount" in data and "units" in data:
            raise ma.ValidationError("Send amount or units, not both.", "units")


class CreateRefundIn(RefundPartIn):
    reason = TextLines(
        max_length=500, allow_none=True, metadata={"example": "Did not arrive in time"}
    )


class RefundAnyOrderIn(RefundPartIn, ReasonIn):
    pass


class RefundPreviewOut(Schema):
    """What a refund would move."""

    order_id = ma.fields.UUID(
        attribute="order.id", required=True, metadata={"description": "ID of the order"}
    )
    amount = MoneyOut(
        required=True, metadata={"description": "What the buyer would get", "example": "10.00"}
    )
    fee = MoneyOut(
        required=True,
        metadata={
            "description": "Platform fee that would be returned to the merchant",
            "example": "0.25",
        },
    )
    net = MoneyOut(
        required=True,
        metadata={
            "description": "What the merchant's wallet would pay: amount - fee",
            "example": "9.75",
        },
    )
    currency = ma.fields.String(
        required=True, metadata={"description": "Of all amounts", "example": "USD"}
    )
    units = ma.fields.Integer(
        required=True, metadata={"description": "Units that would be taken back", "example": 1}
    )
    destination = Choice(
        RefundDestination,
        required=True,
        metadata={
            "description": "WALLET: the buyer's wallet; GATEWAY: the buyer's card",
            "example": "WALLET",
        },
    )
    amount_left = MoneyOut(
        required=True,
        metadata={"description": "What could be refunded afterwards", "example": "7.99"},
    )
    units_left = ma.fields.Integer(
        required=True,
        metadata={"description": "Units that could be refunded afterwards", "example": 1},
    )
    order_number = ma.fields.String(
        required=True, metadata={"description": "Number of the order", "example": EXAMPLE_NUMBER}
    )


class SettleRefundIn(ReasonIn):
    destination = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf([RefundDestination.WALLET, RefundDestination.EXTERNAL]),
        metadata={
            "description": "WALLET: the buyer's wallet is credited; EXTERNAL: the platform has paid"
            " the buyer outside of this system",
            "example": "EXTERNAL",
        },
    )


class RefundOut(Schema):
    id = ma.fields.UUID(attribute="refund.id", required=True)
    order_id = ma.fields.UUID(attribute="refund.order_id", required=True)
    amount = MoneyOut(attribute="refund.amount", required=True, metadata={"example": "10.00"})
    fee = MoneyOut(
        attribute="refund.fee",
        required=True,
        metadata={"description": "Platform fee returned to the merchant", "example": "0.25"},
    )
    currency = ma.fields.String(
        attribute="refund.currency", required=True, metadata={"example": "USD"}
    )
    units = ma.fields.Integer(
        attribute="refund.units", required=True, metadata={"description": "Units taken back"}
    )
    restored_units = ma.fields.Integer(
        attribute="refund.restored_units",
        required=True,
        metadata={"description": "Number of these units that are on sale again"},
    )
    reason = ma.fields.String(attribute="refund.reason", required=True, allow_none=True)
    destination = Choice(
        RefundDestination,
        attribute="refund.destination",
        required=True,
        metadata={
            "description": "The buyer's WALLET or, through the GATEWAY, the buyer's card. A refund"
            " that the gateway cannot make goes to the wallet or, EXTERNAL, is paid by the platform"
            " outside of this system",
            "example": "WALLET",
        },
    )
    status = Choice(
        RefundStatus, attribute="refund.status", required=True, metadata={"example": "SUCCEEDED"}
    )
    failure_reason = ma.fields.String(
        attribute="refund.failure_reason", required=True, allow_none=True
    )
    created_at = Timestamp(attribute="refund.created_at", required=True)
    settled_at = Timestamp(attribute="refund.settled_at", required=True, allow_none=True)
    order_number = ma.fields.String(required=True, metadata={"example": EXAMPLE_NUMBER})
    by_platform = ma.fields.Boolean(
        required=True,
        metadata={"description": "Whether an administrator made it for the merchant"},
    )
