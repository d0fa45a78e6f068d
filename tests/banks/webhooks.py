"""Webhooks as a bank signs and sends them."""

import itertools
import json
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from app.banks import providers
from app.common import clock

WEBHOOKS = "/api/v1/onramp/webhooks"

_ids = itertools.count(1)


def new_event_id() -> str:
    return f"evt_{next(_ids)}"


def event_body(kind: str, reference: str, **data: Any) -> dict[str, Any]:
    """An event as a bank sends it. data: its fields."""
    facts = {"amount": None, "currency": None, "userId": None, "bankReference": None}
    return {
        "id": new_event_id(),
        "type": kind,
        "createdAt": clock.format_timestamp(clock.now()),
        "data": facts | {"reason": None, "reference": reference} | data,
    }


def key_of(provider: str) -> bytes:
    bank = providers.get(provider)
    assert bank is not None
    return bank.keys[0]


def signed_headers(
    body: bytes, *, key: bytes | str, event_id: str = "evt_fixed", at: datetime | None = None
) -> dict[str, str]:
    """The headers as the bank's own library computes them."""
    moment = at or clock.now()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(key).sign(event_id, moment, body.decode()),
    }


def deliver(
    client: FlaskClient, body: bytes, headers: dict[str, str], *, provider: str = "HDFC"
) -> TestResponse:
    return client.post(
        f"{WEBHOOKS}/{provider}", data=body, headers=headers, content_type="application/json"
    )


def send_event(
    client: FlaskClient,
    event: dict[str, Any],
    *,
    provider: str = "HDFC",
    key: bytes | None = None,
    **changes: str,
) -> TestResponse:
    """Send an event, signed with the bank's key by default. changes: other headers."""
    body = json.dumps(event).encode()
    headers = signed_headers(body, key=key or key_of(provider), event_id=event["id"])
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    return deliver(client, body, headers | named, provider=provider)
