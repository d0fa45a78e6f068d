"""HTTP of the payment gateway's webhooks."""

from typing import Any

from flask import Response

from app.common import queue
from app.common.db import transaction
from app.common.http import Blueprint, json_response, raw_body
from app.common.json_format import dump_json
from app.common.ratelimit import per_address_and_path
from app.gateway import service
from app.gateway.guard import WEBHOOKS, from_gateway
from app.gateway.schemas import StripeEventIn, StripeEventReceiptOut
from app.inbox import tasks as inbox

blp = Blueprint(
    "gateway-webhooks",
    __name__,
    url_prefix="/webhooks/stripe",
    description="Webhooks of the payment gateway",
)


@blp.post("")
@per_address_and_path("1200/minute")
@from_gateway(blp)
@blp.arguments(StripeEventIn)
@blp.response(200, StripeEventReceiptOut)
@blp.doc(**{"x-caller": "Stripe, by its signature"})
def receive_stripe_event(body: dict[str, Any]) -> Response:
    """Payment and refund status notification (Stripe)

    For Stripe, which signs the raw body. The event is stored and acknowledged immediately and
    handled a moment later, once, however often it is delivered. Event types that are not used here
    and events about unknown objects are acknowledged with 200 as well: several systems may share a
    Stripe account, and Stripe disables an endpoint that keeps failing.
    """
    with transaction() as session:
        outcome, stored = service.receive(session, body, body=raw_body().decode())
    if stored is not None:
        queue.enqueue(inbox.handle, str(stored))
    WEBHOOKS.labels(outcome).inc()
    return json_response(dump_json({"received": True}))
