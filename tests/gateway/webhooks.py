"""Webhooks as the gateway signs and sends them."""

import json
from typing import Any

import stripe
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.inbox.models import InboundEvent
from tests.stripe import WEBHOOK_SECRET, Received


def deliver(client: FlaskClient, webhook: Received) -> TestResponse:
    """Deliver a webhook of the gateway to our endpoint."""
    return post_webhook(client, webhook.raw, webhook.header)


def post_webhook(client: FlaskClient, raw: bytes, header: str | None) -> TestResponse:
    headers = {} if header is None else {"Stripe-Signature": header}
    return client.post(
        "/api/v1/webhooks/stripe", data=raw, headers=headers, content_type="application/json"
    )


def event_body(kind: str = "checkout.session.expired", **changes: Any) -> dict[str, Any]:
    """An event as Stripe sends it. changes: fields of its object."""
    about = {
        "id": "cs_test_1",
        "object": "checkout.session",
        "status": "expired",
        "payment_status": "unpaid",
        "payment_intent": None,
        "amount_total": 5000,
        "currency": "usd",
        "client_reference_id": str(new_id()),
        "metadata": {},
        "url": None,
        "expires_at": 1_800_000_000,
        **changes,
    }
    return {
        "id": f"evt_{new_id().hex}",
        "object": "event",
        "type": kind,
        "livemode": False,
        "created": 1_800_000_000,
        "data": {"object": about},
    }


def signature_header(raw: bytes, *, secret: str = WEBHOOK_SECRET, ago: float = 0) -> str:
    """The signature by Stripe's own library. ago: age in seconds."""
    header: str = stripe.WebhookSignature.generate_signature_header(  # type: ignore[no-untyped-call]
        raw.decode(), secret, int(clock.now().timestamp() - ago)
    )
    return header


def send_event(client: FlaskClient, event: dict[str, Any], **how: Any) -> Any:
    raw = json.dumps(event).encode()
    return post_webhook(client, raw, signature_header(raw, **how))


def stored() -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(InboundEvent)) or 0
