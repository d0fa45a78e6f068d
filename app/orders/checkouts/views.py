"""HTTP of orders that are paid at the gateway."""

from typing import Final
from uuid import UUID

from flask import Response

from app.auth.guard import requires
from app.auth.scopes import Scope
from app.common.http import Blueprint
from app.common.idempotent import takes_idempotency_key
from app.gateway.errors import GatewayRefused, GatewayUnavailable
from app.orders.checkouts.http import respond_with_cancellation
from app.orders.errors import OrderNotCancellable, OrderNotFound
from app.orders.purchases.schemas import OrderOut
from app.wallets.errors import BalanceTooLarge

_GATEWAY_ERRORS: Final = (GatewayUnavailable, GatewayRefused)

blp = Blueprint("checkouts", __name__, url_prefix="/orders", description="Orders paid by card")


@blp.post("/<uuid:order_id>/cancel")
@requires(blp, scope=Scope.ORDERS_WRITE)
@blp.response(200, OrderOut)
@blp.errors(OrderNotFound, OrderNotCancellable, BalanceTooLarge, *_GATEWAY_ERRORS)
@takes_idempotency_key(blp)
def cancel_order(order_id: UUID) -> Response:
    """Cancel an unpaid order

    Closes its checkout and releases the reserved units. If the order has just been paid, it is
    completed instead, and the status is 409.
    """
    return respond_with_cancellation(order_id)
