"""Schemas of refund requests."""

import marshmallow as ma

from app.common.fields import Choice, MoneyOut, Schema, TextLines, Timestamp
from app.common.pagination import PageArgs, page_of
from app.orders.models import RefundRequestStatus
from app.orders.refunds.schemas import RefundPartIn


class CreateRefundRequestIn(RefundPartIn):
    reason = TextLines(
        max_length=500, required=True, metadata={"example": "The code does not work"}
    )


class RefundRequestAnswerIn(Schema):
    answer = TextLines(
        max_length=500, allow_none=True, metadata={"example": "Sorry for the trouble"}
    )


class RefundRequestOut(Schema):
    id = ma.fields.UUID(required=True)
    order_id = ma.fields.UUID(required=True)
    amount = MoneyOut(required=True, allow_none=True, metadata={"example": "10.00"})
    units = ma.fields.Integer(required=True, allow_none=True)
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    reason = ma.fields.String(required=True, metadata={"example": "The code does not work"})
    status = Choice(RefundRequestStatus, required=True, metadata={"example": "OPEN"})
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
