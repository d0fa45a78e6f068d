"""Answering a request with a purchase."""

from collections.abc import Callable
from typing import Final

from flask import Response

from app.common.process_state import Handlers, Slot
from app.idempotency.http import Call, respond
from app.orders.models import PaymentMethod
from app.orders.purchases.batcher import Till
from app.orders.purchases.pricing import Basket
from app.orders.purchases.service import Job

#: Where this process sells.
batcher: Final[Slot[Till]] = Slot("purchase batcher")


def answer_with_purchase(basket: Basket) -> Response:
    """Sell to the caller, once for each Idempotency-Key: the answer is the order.

    Raises what `checkout.decide` raises, and the refusals of `idempotency.once`.
    """
    call = Call.current()
    return respond(batcher().sell(Job(call.user_id, call.session_id, basket, call.request)))


#: Answers a request for what is in the basket, paid one way.
Seller = Callable[[Basket], Response]

sellers: Final[Handlers[PaymentMethod, Seller]] = Handlers("payment methods")


def answer_with(payment_method: str, basket: Basket) -> Response:
    """Sell to the caller, paid from the wallet now or at the gateway later."""
    return sellers[PaymentMethod(payment_method)](basket)
