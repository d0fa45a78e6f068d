"""Schemas of refund requests."""

import marshmallow as ma

from app.common.examples import EXAMPLE_ID
from app.common.fields import Choice, Id, MoneyOut, Schema, TextLines, Timestamp
from app.common.pagination import SortablePageArgs, page_of
from app.orders.models import RefundRequestStatus
from app.orders.numbers import EXAMPLE_NUMBER
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
    id = ma.fields.UUID(attribute="refund_request.id", required=True)
    order_id = ma.fields.UUID(attribute="refund_request.order_id", required=True)
    amount = MoneyOut(
        attribute="refund_request.amount",
        required=True,
        allow_none=True,
        metadata={"example": "10.00"},
    )
    units = ma.fields.Integer(attribute="refund_request.units", required=True, allow_none=True)
    currency = ma.fields.String(
        attribute="refund_request.currency", required=True, metadata={"example": "USD"}
    )
    reason = ma.fields.String(
        attribute="refund_request.reason",
        required=True,
        metadata={"example": "The code does not work"},
    )
    status = Choice(
        RefundRequestStatus,
        attribute="refund_request.status",
        required=True,
        metadata={"example": "OPEN"},
    )
    answer = ma.fields.String(attribute="refund_request.answer", required=True, allow_none=True)
    refund_id = ma.fields.UUID(attribute="refund_request.refund_id", required=True, allow_none=True)
    created_at = Timestamp(attribute="refund_request.created_at", required=True)
    decided_at = Timestamp(attribute="refund_request.decided_at", required=True, allow_none=True)
    order_number = ma.fields.String(required=True, metadata={"example": EXAMPLE_NUMBER})


class RefundRequestsArgs(SortablePageArgs):
    role = ma.fields.String(
        validate=ma.validate.OneOf(["buyer", "merchant"]),
        metadata={"description": "Only requests the caller made, or only those they received"},
    )
    order_id = Id(metadata={"description": "Only requests of this order", "example": EXAMPLE_ID})
    status = ma.fields.String(
        validate=ma.validate.OneOf(list(RefundRequestStatus)),
        metadata={"description": "Only requests with this status"},
    )


RefundRequestList = page_of(RefundRequestOut)
