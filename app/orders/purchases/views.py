"""HTTP of orders."""

from typing import Any, Final
from uuid import UUID

from flask import Response

from app.auth.guard import live_user, requires
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.http import Blueprint, json_response, settings
from app.common.json_format import dump_json
from app.common.pagination import page_request
from app.coupons.errors import CouponInvalid, CouponUsedUp
from app.gateway.errors import (
    AmountNotPayable,
    GatewayNotConfigured,
    GatewayRefused,
    GatewayUnavailable,
)
from app.idempotency.http import moves_money
from app.orders.errors import (
    CannotBuyOwnProduct,
    NothingToPay,
    OrderNotDelivered,
    OrderNotFound,
    PurchaseLimitReached,
    QuantityTooLarge,
    TooManyCheckouts,
)
from app.orders.purchases import service
from app.orders.purchases.http import answer_with
from app.orders.purchases.pricing import Basket
from app.orders.purchases.schemas import (
    CheckoutOut,
    CreateOrderIn,
    DeliveryOut,
    OrderDetailOut,
    OrderList,
    OrderOut,
    OrdersArgs,
)
from app.products.errors import ProductInactive, ProductNotFound, ProductOutOfStock
from app.wallets.errors import InsufficientFunds, WalletLocked

_GATEWAY_ERRORS: Final = (GatewayUnavailable, GatewayRefused)
_ORDER_OR_CHECKOUT: Final = {"oneOf": [OrderOut, CheckoutOut]}

blp = Blueprint("orders", __name__, url_prefix="/orders", description="Buying and selling")


@blp.post("")
@requires(blp, scope=Scope.ORDERS_WRITE)
@blp.arguments(CreateOrderIn)
@blp.response(201, _ORDER_OR_CHECKOUT)
@blp.refuses(
    ProductNotFound,
    ProductInactive,
    ProductOutOfStock,
    PurchaseLimitReached,
    QuantityTooLarge,
    CannotBuyOwnProduct,
    CouponInvalid,
    CouponUsedUp,
    InsufficientFunds,
    WalletLocked,
    NothingToPay,
    TooManyCheckouts,
    AmountNotPayable,
    GatewayNotConfigured,
    *_GATEWAY_ERRORS,
)
@moves_money(blp)
def create_order(body: dict[str, Any]) -> Response:
    """Buy a product

    With WALLET it is paid in the same breath: the answer is a COMPLETED order, or nothing
    happened. With GATEWAY it is `{"order", "checkoutUrl", "sessionId"}`: the order is PENDING, the
    units – and the code, and the use of a coupon – are reserved for as long as that page can be
    paid on, and a moment after it was paid the order is COMPLETED.
    """
    return answer_with(body.pop("payment_method"), Basket(**body))


@blp.get("")
@requires(blp, scope=Scope.ORDERS_READ)
@blp.arguments(OrdersArgs, location="query")
@blp.response(200, OrderList)
def list_orders(args: dict[str, Any]) -> Any:
    """What I bought, newest first

    Each order with the name of its product, as it is now.
    """
    page = page_request(args, key=(UUID,))
    with reading() as session:
        return service.list_orders(session, page, user_id=live_user(session).id, **args)


@blp.get("/<uuid:order_id>")
@requires(blp, scope=Scope.ORDERS_READ)
@blp.response(200, OrderDetailOut)
@blp.refuses(OrderNotFound)
def get_order(order_id: UUID) -> Any:
    """One order

    Shown to its buyer and its merchant.
    """
    with reading() as session:
        return service.require_order(session, order_id=order_id, user_id=live_user(session).id)


@blp.get("/<uuid:order_id>/delivery")
@requires(blp, scope=Scope.DELIVERY_READ)
@blp.response(200, DeliveryOut)
@blp.refuses(OrderNotFound, OrderNotDelivered)
def get_delivery(order_id: UUID) -> Response:
    """What I got

    The codes, licence keys or download links of an order of mine, as many units as were not
    refunded. For the buyer only. A code that was looked at is not sold again after a refund.
    """
    with transaction() as session:
        goods = service.open_delivery(
            session,
            order_id=order_id,
            user_id=live_user(session).id,
            base=settings().public_address + settings().api_prefix,
        )
    return json_response(dump_json(goods))
