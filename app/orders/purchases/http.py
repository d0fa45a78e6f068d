"""Answering a request with a purchase."""

from collections.abc import Callable
from typing import Final

from flask import Response, current_app

from app.idempotency.http import Call, respond
from app.orders.models import PaymentMethod
from app.orders.purchases.batcher import Till
from app.orders.purchases.pricing import Basket
from app.orders.purchases.service import Job


def till() -> Till:
    """Where this process sells."""
    return current_app.extensions["till"]  # type: ignore[no-any-return]


def answer_with_purchase(basket: Basket) -> Response:
    """Sell to the caller, once for each Idempotency-Key: the answer is the order.

    Raises what `checkout.decide` raises, and the refusals of `idempotency.once`.
    """
    call = Call.current()
    return respond(till().sell(Job(call.user_id, call.session_id, basket, call.request)))


#: Answers a request for what is in the basket, paid one way.
Seller = Callable[[Basket], Response]

_SELLERS: Final[dict[PaymentMethod, Seller]] = {PaymentMethod.WALLET: answer_with_purchase}


def subscribe(payment_method: PaymentMethod, seller: Seller) -> None:
    """Have `seller` answer the requests that are paid by `payment_method`."""
    _SELLERS[payment_method] = seller


def answer_with(payment_method: str, basket: Basket) -> Response:
    """Sell to the caller, paid from the wallet now or at the gateway later."""
    return _SELLERS[PaymentMethod(payment_method)](basket)
