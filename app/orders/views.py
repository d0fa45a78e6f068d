"""HTTP of orders."""

from typing import Any, Final
from uuid import UUID

from flask import Response

from app.auth.guard import live_user, requires
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.http import Blueprint, dump_json, json_response, settings
from app.common.pagination import page_request
from app.coupons.errors import CouponInvalid, CouponUsedUp
from app.gateway.errors import (
    AmountNotPayable,
    GatewayNotConfigured,
    GatewayRefused,
    GatewayUnavailable,
)
from app.idempotency.http import moves_money
from app.orders import service
from app.orders.checkout import Basket
from app.orders.errors import (
    CannotBuyOwnProduct,
    NothingToPay,
    OrderNotCancellable,
    OrderNotDelivered,
    OrderNotFound,
    PurchaseLimitReached,
    QuantityTooLarge,
    TooManyCheckouts,
)
from app.orders.http import answer_with, answer_with_cancellation
from app.orders.schemas import (
    CheckoutOut,
    CreateOrderIn,
    DeliveryOut,
    OrderDetailOut,
    OrderList,
    OrderOut,
    OrdersArgs,
)
from app.products.errors import ProductInactive, ProductNotFound, ProductOutOfStock
from app.wallets.errors import BalanceTooLarge, InsufficientFunds, WalletLocked

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


@blp.post("/<uuid:order_id>/cancel")
@requires(blp, scope=Scope.ORDERS_WRITE)
@blp.response(200, OrderOut)
@blp.refuses(OrderNotFound, OrderNotCancellable, WalletLocked, BalanceTooLarge, *_GATEWAY_ERRORS)
def cancel_order(order_id: UUID) -> Response:
    """Cancel an order of mine that is not paid

    Nobody can pay at its checkout any more, and others can buy what was reserved. If it was paid
    just before, it is completed instead, and 409 says so.
    """
    return answer_with_cancellation(order_id)


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
        return service.bought_by(session, page, user_id=live_user(session).id, **args)


@blp.get("/<uuid:order_id>")
@requires(blp, scope=Scope.ORDERS_READ)
@blp.response(200, OrderDetailOut)
@blp.refuses(OrderNotFound)
def get_order(order_id: UUID) -> Any:
    """One order

    Shown to its buyer and its merchant.
    """
    with reading() as session:
        return service.find(session, order_id=order_id, user_id=live_user(session).id)


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
