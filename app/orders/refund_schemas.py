"""Shapes of refunds and of requests for them."""

from typing import Any

import marshmallow as ma

from app.common.clock import to_wire
from app.common.fields import Amount, Moment, MoneyOut, Schema, Text, WholeNumber
from app.common.money import format_minor
from app.common.pagination import PageArgs, page_of
from app.orders.models import Refund, RefundClaim

_AMOUNT = {"description": "So much of what was paid", "example": "10.00"}
_UNITS = {"description": "So many units, and their goods", "example": 1}


class _PartIn(Schema):
    amount = Amount(metadata=_AMOUNT)
    units = WholeNumber(minimum=1, maximum=1_000_000, metadata=_UNITS)

    @ma.validates_schema
    def _say_it_once(self, data: dict[str, Any], **_: Any) -> None:
        if "amount" in data and "units" in data:
            raise ma.ValidationError("Give amount or units, not both.", "units")


class CreateRefundIn(_PartIn):
    reason = Text(longest=500, allow_none=True, metadata={"example": "Did not arrive in time"})


class CreateRefundRequestIn(_PartIn):
    reason = Text(longest=500, required=True, metadata={"example": "The code does not work"})


class RefundRequestAnswerIn(Schema):
    answer = Text(longest=500, allow_none=True, metadata={"example": "Sorry for the trouble"})


class RefundOut(Schema):
    """The document's picture of what `refund_out` builds."""

    id = ma.fields.UUID(required=True)
    order_id = ma.fields.UUID(required=True)
    amount = MoneyOut(required=True, metadata={"example": "10.00"})
    fee = MoneyOut(
        required=True,
        metadata={"description": "What the platform gave back to the merchant", "example": "0.25"},
    )
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    units = ma.fields.Integer(required=True, metadata={"description": "Units taken back"})
    restored_units = ma.fields.Integer(
        required=True, metadata={"description": "Of these, those that are on sale again"}
    )
    reason = ma.fields.String(required=True, allow_none=True)
    destination = ma.fields.String(
        required=True,
        metadata={
            "description": "Where the money goes: the buyer's WALLET or, through the GATEWAY, the"
            " buyer's card; to the wallet after all if that fails",
            "example": "WALLET",
        },
    )
    status = ma.fields.String(required=True, metadata={"example": "SUCCEEDED"})
    failure_reason = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    settled_at = Moment(required=True, allow_none=True)


class RefundRequestOut(Schema):
    """The document's picture of what `claim_out` builds."""

    id = ma.fields.UUID(required=True)
    order_id = ma.fields.UUID(required=True)
    amount = MoneyOut(required=True, allow_none=True, metadata={"example": "10.00"})
    units = ma.fields.Integer(required=True, allow_none=True)
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    reason = ma.fields.String(required=True, metadata={"example": "The code does not work"})
    status = ma.fields.String(required=True, metadata={"example": "OPEN"})
    answer = ma.fields.String(required=True, allow_none=True)
    refund_id = ma.fields.UUID(required=True, allow_none=True)
    created_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)


class RefundRequestsArgs(PageArgs):
    role = ma.fields.String(
        validate=ma.validate.OneOf(["buyer", "merchant"]),
        metadata={"description": "Only those that I made, or only those made to me"},
    )


RefundRequestList = page_of(RefundRequestOut)


def refund_out(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "orderId": refund.order_id,
        "amount": format_minor(refund.amount, refund.currency),
        "fee": format_minor(refund.fee, refund.currency),
        "currency": refund.currency,
        "units": refund.units,
        "restoredUnits": refund.restored_units,
        "reason": refund.reason,
        "destination": refund.destination,
        "status": refund.status,
        "failureReason": refund.failure_reason,
        "createdAt": to_wire(refund.created_at),
        "settledAt": to_wire(refund.settled_at),
    }


def claim_out(claim: RefundClaim) -> dict[str, Any]:
    amount = claim.amount
    return {
        "id": claim.id,
        "orderId": claim.order_id,
        "amount": None if amount is None else format_minor(amount, claim.currency),
        "units": claim.units,
        "currency": claim.currency,
        "reason": claim.reason,
        "status": claim.status,
        "answer": claim.answer,
        "refundId": claim.refund_id,
        "createdAt": to_wire(claim.created_at),
        "decidedAt": to_wire(claim.decided_at),
    }
