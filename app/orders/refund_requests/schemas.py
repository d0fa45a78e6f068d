"""Schemas of refund requests."""

from typing import Any

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.fields import MoneyOut, Schema, Text, Timestamp, serializes
from app.common.money import format_minor
from app.common.pagination import PageArgs, page_of
from app.orders.models import RefundRequest
from app.orders.refunds.schemas import RefundPartIn


class CreateRefundRequestIn(RefundPartIn):
    reason = Text(max_length=500, required=True, metadata={"example": "The code does not work"})


class RefundRequestAnswerIn(Schema):
    answer = Text(max_length=500, allow_none=True, metadata={"example": "Sorry for the trouble"})


class RefundRequestOut(Schema):
    """Describes what `refund_request_out` returns."""

    id = ma.fields.UUID(required=True)
    order_id = ma.fields.UUID(required=True)
    amount = MoneyOut(required=True, allow_none=True, metadata={"example": "10.00"})
    units = ma.fields.Integer(required=True, allow_none=True)
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    reason = ma.fields.String(required=True, metadata={"example": "The code does not work"})
    status = ma.fields.String(required=True, metadata={"example": "OPEN"})
    answer = ma.fields.String(required=True, allow_none=True)
    refund_id = ma.fields.UUID(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    decided_at = Timestamp(required=True, allow_none=True)


class RefundRequestsArgs(PageArgs):
    role = ma.fields.String(
        validate=ma.validate.OneOf(["buyer", "merchant"]),
        metadata={"description": "Only requests the caller made, or only those they received"},
    )


RefundRequestList = page_of(RefundRequestOut)


@serializes(RefundRequestOut)
def refund_request_out(refund_request: RefundRequest) -> dict[str, Any]:
    amount = refund_request.amount
    return {
        "id": refund_request.id,
        "orderId": refund_request.order_id,
        "amount": None if amount is None else format_minor(amount, refund_request.currency),
        "units": refund_request.units,
        "currency": refund_request.currency,
        "reason": refund_request.reason,
        "status": refund_request.status,
        "answer": refund_request.answer,
        "refundId": refund_request.refund_id,
        "createdAt": format_timestamp(refund_request.created_at),
        "decidedAt": format_timestamp(refund_request.decided_at),
    }
