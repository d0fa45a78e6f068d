"""Schemas of orders, as administrators see them."""

import marshmallow as ma

from app.administration.orders.service import MAX_REFUNDS
from app.administration.schemas import id_filter
from app.auth.user_summaries import UserSummaryOut
from app.common.csv_documents import CsvArgs
from app.common.fields import Schema, Timestamp
from app.common.pagination import SortablePageArgs, page_of
from app.common.time_range import TimeRangeArgs
from app.orders.models import PaymentMethod
from app.orders.purchases.schemas import OrderDetailOut, OrderFilters
from app.orders.refunds.schemas import RefundOut


class _AllOrdersFilters(OrderFilters, TimeRangeArgs):
    buyer_id = id_filter("Only orders of this buyer")
    merchant_id = id_filter("Only orders of this merchant's products")
    product_id = id_filter("Only orders of this product")
    payment_method = ma.fields.String(
        validate=ma.validate.OneOf(list(PaymentMethod)),
        metadata={"description": "Only orders that are paid this way"},
    )


class AllOrdersArgs(SortablePageArgs, _AllOrdersFilters):
    pass


class ExportOrdersArgs(CsvArgs, _AllOrdersFilters):
    pass


class CheckoutStateOut(Schema):
    expires_at = Timestamp(
        required=True, metadata={"description": "Until when it can be paid (UTC)"}
    )
    attempts = ma.fields.Integer(
        required=True,
        metadata={"description": "Requests to the gateway since it last reported a change"},
    )
    next_attempt_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When the gateway is asked next (UTC); null once it has ended"},
    )
    flagged_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "Since when it needs attention (UTC); null if it does not"},
    )


class OrderRecordOut(OrderDetailOut):
    merchant = ma.fields.Nested(
        UserSummaryOut, required=True, metadata={"description": "Who sold it"}
    )
    checkout = ma.fields.Nested(
        CheckoutStateOut,
        required=True,
        allow_none=True,
        metadata={"description": "Its checkout at the gateway; null if paid from a wallet"},
    )
    refunds = ma.fields.List(
        ma.fields.Nested(RefundOut),
        required=True,
        metadata={"description": f"Its refunds, newest first, {MAX_REFUNDS} at most"},
    )


class RefusedRefundOut(RefundOut):
    buyer = ma.fields.Nested(
        UserSummaryOut, required=True, metadata={"description": "Who bought the order"}
    )
    merchant = ma.fields.Nested(
        UserSummaryOut, required=True, metadata={"description": "Who sold the order"}
    )
    flagged_at = Timestamp(
        attribute="refund.flagged_at",
        required=True,
        allow_none=True,
        metadata={"description": "Since when it needs a decision (UTC)"},
    )
    next_attempt_at = Timestamp(
        attribute="refund.next_attempt_at",
        required=True,
        allow_none=True,
        metadata={"description": "When the payment provider is asked again (UTC)"},
    )


RefusedRefundList = page_of(RefusedRefundOut)
