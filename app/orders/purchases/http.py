"""HTTP responses to purchases, by payment method."""

from collections.abc import Callable
from typing import Final

from flask import Response

from app.auth.guard import second_factor
from app.common.http import settings
from app.common.process_state import Handlers
from app.orders.models import PaymentMethod
from app.orders.purchases.pricing import Basket
from app.orders.purchases.purchase import WalletPurchase
from app.orders.purchases.schemas import order_response
from app.wallets.movements.http import respond_with_stored


def respond_with_purchase(basket: Basket) -> Response:
    """Buy for the caller from the wallet, once per Idempotency-Key, and respond with the order.

    Raises BadRequest, what `pricing.decide` raises, and the errors of `idempotency.run_claimed`.
    """
    purchase = WalletPurchase(basket, second_factor(), settings().platform_fee_bps)
    return respond_with_stored(purchase, order_response)


#: Buys a basket with one payment method, and returns the response.
PaymentHandler = Callable[[Basket], Response]

payment_handlers: Final[Handlers[PaymentMethod, PaymentHandler]] = Handlers("payment methods")


def respond_with(payment_method: str, basket: Basket) -> Response:
    """Buy for the caller with this payment method."""
    return payment_handlers[PaymentMethod(payment_method)](basket)
