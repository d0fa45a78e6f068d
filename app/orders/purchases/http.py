"""HTTP responses to purchases, by payment method."""

from collections.abc import Callable
from typing import Final

from flask import Response

from app.auth.guard import second_factor
from app.common.process_state import Handlers, Slot
from app.idempotency.http import RequestContext, respond
from app.orders.models import PaymentMethod
from app.orders.purchases.batcher import PurchaseBatcher
from app.orders.purchases.pricing import Basket
from app.orders.purchases.service import PurchaseJob

#: The batcher of this process.
batcher: Final[Slot[PurchaseBatcher]] = Slot("purchase batcher")


def respond_with_purchase(basket: Basket) -> Response:
    """Buy for the caller, once per Idempotency-Key, and respond with the order.

    Raises BadRequest, what `pricing.decide` raises, and the errors of `idempotency.run_claimed`.
    """
    context, factor = RequestContext.current(), second_factor()
    return respond(
        batcher().buy(
            PurchaseJob(context.user_id, context.session_id, basket, factor, context.request)
        )
    )


#: Buys a basket with one payment method, and returns the response.
PaymentHandler = Callable[[Basket], Response]

payment_handlers: Final[Handlers[PaymentMethod, PaymentHandler]] = Handlers("payment methods")


def respond_with(payment_method: str, basket: Basket) -> Response:
    """Buy for the caller with this payment method."""
    return payment_handlers[PaymentMethod(payment_method)](basket)
