"""HTTP of orders."""

from typing import Any, Final
from uuid import UUID

from flask import Response

from app.attempts.budgets import COUPON_CODES
from app.attempts.http import limits_attempts
from app.auth.guard import current_user, may_require_code, requires
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.http import Blueprint, json_response, settings
from app.common.idempotent import takes_idempotency_key
from app.common.json_format import dump_json
from app.common.openapi import one_of
from app.common.replica import may_lag
from app.coupons.errors import CouponInvalid, CouponUsedUp
from app.delivery.schemas import DeliveryOut
from app.gateway.errors import (
    AmountNotPayable,
    GatewayNotConfigured,
    GatewayRefused,
    GatewayUnavailable,
)
from app.orders.errors import (
    PURCHASE_ERRORS,
    CheckoutEnded,
    NothingToPay,
    OrderNotDelivered,
    OrderNotFound,
    ReservationLimitReached,
    TooManyCheckouts,
)
from app.orders.purchases import service
from app.orders.purchases.http import respond_with
from app.orders.purchases.pricing import Basket
from app.orders.purchases.schemas import (
    CheckoutOut,
    CreateOrderIn,
    OrderDetailOut,
    OrderList,
    OrderOut,
    OrdersArgs,
)
from app.wallets.errors import PAYMENT_ERRORS

_GATEWAY_ERRORS: Final = (GatewayUnavailable, GatewayRefused)
_ORDER_OR_CHECKOUT: Final = one_of(OrderOut, CheckoutOut)

blp = Blueprint("orders", __name__, url_prefix="/orders", description="Purchases")


def _guess(body: dict[str, Any]) -> str | None:
    """The product and coupon code of an order, which may be a guess."""
    code = body.get("coupon_code")
    return f"{body['product_id']} {code}" if code else None


@blp.post("")
@requires(blp, scope=Scope.ORDERS_WRITE)
@blp.arguments(CreateOrderIn)
@blp.response(201, _ORDER_OR_CHECKOUT)
@blp.errors(
    *PURCHASE_ERRORS,
    CouponInvalid,
    CouponUsedUp,
    *PAYMENT_ERRORS,
    NothingToPay,
    ReservationLimitReached,
    TooManyCheckouts,
    CheckoutEnded,
    AmountNotPayable,
    GatewayNotConfigured,
    *_GATEWAY_ERRORS,
)
@limits_attempts(COUPON_CODES, guess=_guess)
@may_require_code(blp)
@takes_idempotency_key(blp)
def create_order(body: dict[str, Any]) -> Response:
    """Create an order

    Buys a product. With WALLET it is paid immediately: either the order is COMPLETED, or nothing
    happens; large sums require a two-factor code. An order that has to be reviewed is
    PENDING_REVIEW: its money is on hold and its units are reserved until it is COMPLETED or FAILED.
    With GATEWAY the response is `{"order", "checkoutUrl", "sessionId"}`: the order is PENDING, and
    its units, codes and coupon use are reserved until the checkout expires. How many a buyer can
    reserve is limited. Shortly after the payment the order is COMPLETED. If the payment provider
    does not respond, the same `Idempotency-Key` continues the order, and belongs to it until then.
    """
    return respond_with(body.pop("payment_method"), Basket(**body))


@blp.get("")
@requires(blp, scope=Scope.ORDERS_READ)
@blp.arguments(OrdersArgs, location="query")
@blp.response(200, OrderList)
@may_lag
def list_orders(args: dict[str, Any]) -> Any:
    """List purchases

    Returns the caller's orders, newest first, each with the current name of its product.
    """
    with reading() as session:
        user = current_user(session)
        within = args.pop("requested").within(user.time_zone)
        return service.list_orders(session, user_id=user.id, within=within, **args)


@blp.get("/<uuid:order_id>")
@requires(blp, scope=Scope.ORDERS_READ)
@blp.response(200, OrderDetailOut)
@blp.errors(OrderNotFound)
def get_order(order_id: UUID) -> Any:
    """Get an order

    Visible to its buyer and its merchant.
    """
    with reading() as session:
        user = current_user(session)
        return service.require_order_of_party(session, order_id=order_id, user_id=user.id)


@blp.get("/<uuid:order_id>/delivery")
@requires(blp, scope=Scope.DELIVERY_READ)
@blp.response(200, DeliveryOut)
@blp.errors(OrderNotFound, OrderNotDelivered)
def get_delivery(order_id: UUID) -> Response:
    """Get the delivery of an order

    Returns what was delivered for the units that have not been refunded, such as codes, licence
    keys or download links. Visible only to the buyer. Codes that the buyer has seen are not sold
    again after a refund.
    """
    with transaction() as session:
        found = service.require_delivery(
            session,
            order_id=order_id,
            user_id=current_user(session).id,
            base_url=settings().api_address,
        )
    return json_response(dump_json(found))
