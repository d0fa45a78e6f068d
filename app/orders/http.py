"""Answering a request with a purchase."""

from flask import Response, current_app

from app.idempotency.http import Call, respond
from app.orders.checkout import Basket
from app.orders.service import Job
from app.orders.till import Till


def till() -> Till:
    """Where this process sells."""
    return current_app.extensions["till"]  # type: ignore[no-any-return]


def answer_with_purchase(basket: Basket) -> Response:
    """Sell to the caller, once for each Idempotency-Key: the answer is the order.

    Raises what `checkout.decide` raises, and the refusals of `idempotency.once`.
    """
    call = Call.current()
    return respond(till().sell(Job(call.user_id, call.session_id, basket, call.request)))
