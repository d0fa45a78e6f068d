"""Schemas of orders."""

from typing import Any

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.examples import EXAMPLE_ID
from app.common.fields import (
    Amount,
    Choice,
    DayOrTime,
    Id,
    Metadata,
    MoneyOut,
    ObjectType,
    Schema,
    TextLines,
    Timestamp,
    WholeNumber,
    serializes,
)
from app.common.json_format import dump_json
from app.common.money import format_minor
from app.common.pagination import SortablePageArgs, page_of
from app.common.time_range import ReportRangeArgs
from app.coupons.schemas import CouponCode
from app.gateway.types import CheckoutSession
from app.idempotency.service import StoredResponse
from app.orders.models import OrderStatus, PaymentMethod
from app.orders.numbers import EXAMPLE_NUMBER, parse_number
from app.orders.purchases.service import OrderDetails
from app.products.schemas import ProductOut
from app.shops.schemas import PartyOut


class OrderNumber(ma.fields.String):
    """The number of an order as typed or pasted by users, loaded as it is stored.

    Typing errors are detected by its check digit, before the lookup.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            return parse_number(value)
        except ValueError as error:
            raise ma.ValidationError(str(error)) from error


class CreateOrderIn(Schema):
    product_id = Id(required=True, metadata={"example": EXAMPLE_ID})
    payment_method = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(PaymentMethod)),
        metadata={
            "description": "WALLET: paid immediately; GATEWAY: paid by card on the gateway's page",
            "example": "WALLET",
        },
    )
    quantity = WholeNumber(minimum=1, maximum=1_000_000, load_default=1, metadata={"example": 1})
    coupon_code = CouponCode(allow_none=True, metadata={"example": "BLACKFRIDAY"})
    expected_amount = Amount(
        zero_allowed=True,
        metadata={
            "description": "Total that the buyer was shown, after the discount. If the total is"
            " another one, nothing is bought and the response is 409 `PRICE_CHANGED`",
            "example": "49.99",
        },
    )
    notes = TextLines(max_length=1000, allow_none=True, metadata={"example": "A present for Grace"})
    metadata = Metadata(
        allow_none=True,
        metadata={
            "description": "Up to 20 key-value pairs, stored with the order",
            "example": {"cart": "c-1842"},
        },
    )


#: Newer fields, which follow the original ones.
_DISCOUNT = MoneyOut(attribute="order.discount", required=True, metadata={"example": "0.00"})
_COUPON_CODE = ma.fields.String(attribute="order.coupon_code", required=True, allow_none=True)
_REFUNDED = MoneyOut(attribute="order.refunded_amount", required=True, metadata={"example": "0.00"})
_REFUNDED_UNITS = ma.fields.Integer(attribute="order.refunded_units", required=True)
_GIVEAWAY_ID = ma.fields.UUID(attribute="order.giveaway_id", required=True, allow_none=True)
_OBJECT = ObjectType("order")
_NUMBER = ma.fields.String(
    attribute="order.number",
    required=True,
    metadata={
        "description": "Number of the order for people, such as on the telephone: digits in"
        " groups, the last a check digit (ISO 7064, MOD 11,10)",
        "example": EXAMPLE_NUMBER,
    },
)


class ProductSummaryOut(Schema):
    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    price = MoneyOut(required=True, metadata={"example": "49.99"})


class BuyerSummaryOut(Schema):
    id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True, allow_none=True)


class BuyerOut(BuyerSummaryOut):
    first_name = ma.fields.String(required=True, allow_none=True)
    last_name = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Last name; for the merchant, its initial", "example": "S."},
    )


class SoldProductOut(ProductOut):
    class Meta:
        exclude = ("category", "images", "merchant", "metadata")


class _OrderFields(Schema):
    id = ma.fields.UUID(attribute="order.id", required=True)
    payment_method = Choice(PaymentMethod, attribute="order.payment_method", required=True)
    status = Choice(
        OrderStatus, attribute="order.status", required=True, metadata={"example": "COMPLETED"}
    )
    amount = MoneyOut(attribute="order.amount", required=True, metadata={"example": "49.99"})
    currency = ma.fields.String(attribute="order.currency", required=True)
    quantity = ma.fields.Integer(attribute="order.quantity", required=True)
    stripe_session_id = ma.fields.String(
        attribute="order.stripe_session_id", required=True, allow_none=True
    )
    stripe_payment_intent_id = ma.fields.String(
        attribute="order.stripe_payment_intent_id", required=True, allow_none=True
    )
    idempotency_key = ma.fields.String(
        attribute="order.idempotency_key", required=True, allow_none=True
    )
    notes = ma.fields.String(attribute="order.notes", required=True, allow_none=True)
    metadata = ma.fields.Dict(attribute="order.meta", required=True, allow_none=True)
    completed_at = Timestamp(attribute="order.completed_at", required=True, allow_none=True)
    failed_at = Timestamp(attribute="order.failed_at", required=True, allow_none=True)
    failure_reason = ma.fields.String(
        attribute="order.failure_reason", required=True, allow_none=True
    )
    created_at = Timestamp(attribute="order.created_at", required=True)
    updated_at = Timestamp(attribute="order.updated_at", required=True)
    user_id = ma.fields.UUID(attribute="order.user_id", required=True)
    product_id = ma.fields.UUID(attribute="order.product_id", required=True)
    merchant_id = ma.fields.UUID(attribute="order.merchant_id", required=True)


class OrderOut(_OrderFields):
    product = ma.fields.Nested(ProductSummaryOut, required=True)
    user = ma.fields.Nested(BuyerSummaryOut, attribute="buyer", required=True)
    discount = _DISCOUNT
    coupon_code = _COUPON_CODE
    refunded_amount = _REFUNDED
    refunded_units = _REFUNDED_UNITS
    giveaway_id = _GIVEAWAY_ID
    object = _OBJECT
    number = _NUMBER


class OrderDetailOut(_OrderFields):
    product = ma.fields.Nested(SoldProductOut, required=True)
    user = ma.fields.Nested(BuyerOut, attribute="buyer", required=True)
    discount = _DISCOUNT
    coupon_code = _COUPON_CODE
    refunded_amount = _REFUNDED
    refunded_units = _REFUNDED_UNITS
    giveaway_id = _GIVEAWAY_ID
    object = _OBJECT
    number = _NUMBER
    merchant = ma.fields.Nested(PartyOut, required=True)


OrderList = page_of(OrderOut)


class OrderFilters(Schema):
    """Filters of every list of orders, which also takes a TimeRangeArgs."""

    since = DayOrTime(data_key="from", metadata={"description": "Created from this day or time on"})
    until = DayOrTime(
        data_key="to", metadata={"description": "Created before this day or time (exclusive)"}
    )
    status = ma.fields.String(
        validate=ma.validate.OneOf(list(OrderStatus)),
        metadata={"description": "Only orders with this status"},
    )
    number = OrderNumber(
        metadata={
            "description": "Only the order with this number; hyphens and spaces are ignored",
            "example": EXAMPLE_NUMBER,
        }
    )


class OrdersArgs(SortablePageArgs, OrderFilters, ReportRangeArgs):
    pass


class CheckoutOut(Schema):
    """The response to an order with paymentMethod GATEWAY."""

    object = ObjectType("checkout")
    order = ma.fields.Nested(OrderOut, required=True)
    checkout_url = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"example": "https://checkout.stripe.com/c/pay/cs_test_a1b2c3"},
    )
    session_id = ma.fields.String(
        required=True, allow_none=True, metadata={"example": "cs_test_a1b2c3"}
    )


def order_response(details: OrderDetails) -> StoredResponse:
    """The response to a purchase, as OrderOut describes it."""
    return StoredResponse(201, dump_json(_order_out(details)))


def checkout_response(details: OrderDetails, page: CheckoutSession | None) -> StoredResponse:
    """The response to a purchase at the gateway. page: None if it can no longer be paid."""
    body = {
        "object": "checkout",
        "order": _order_out(details),
        "checkoutUrl": page.url if page else None,
        "sessionId": details.order.stripe_session_id,
    }
    return StoredResponse(201, dump_json(body))


@serializes(OrderOut)
def _order_out(details: OrderDetails) -> dict[str, Any]:
    """What OrderOut describes; serialized by hand because it is on a hot path."""
    order, product = details.order, details.product
    return {
        "id": order.id,
        "paymentMethod": order.payment_method,
        "status": order.status,
        "amount": format_minor(order.amount, order.currency),
        "currency": order.currency,
        "quantity": order.quantity,
        "stripeSessionId": order.stripe_session_id,
        "stripePaymentIntentId": order.stripe_payment_intent_id,
        "idempotencyKey": order.idempotency_key,
        "notes": order.notes,
        "metadata": order.meta,
        "completedAt": format_timestamp(order.completed_at),
        "failedAt": format_timestamp(order.failed_at),
        "failureReason": order.failure_reason,
        "createdAt": format_timestamp(order.created_at),
        "updatedAt": format_timestamp(order.updated_at),
        "userId": order.user_id,
        "productId": order.product_id,
        "merchantId": order.merchant_id,
        "product": {
            "id": product.id,
            "name": product.name,
            "price": format_minor(product.price, product.currency),
        },
        "user": {"id": details.buyer.id, "email": details.buyer.email},
        "discount": format_minor(order.discount, order.currency),
        "couponCode": order.coupon_code,
        "refundedAmount": format_minor(order.refunded_amount, order.currency),
        "refundedUnits": order.refunded_units,
        "giveawayId": order.giveaway_id,
        "object": "order",
        "number": order.number,
    }
