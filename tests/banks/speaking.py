"""Speaking for a bank: webhooks as it would sign and send them."""

import itertools
import json
from collections.abc import Callable
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


def message(kind: str, reference: str, **data: Any) -> dict[str, Any]:
    """What a bank writes."""
    facts = {"amount": None, "currency": None, "userId": None, "bankReference": None}
    return {
        "id": new_event_id(),
        "type": kind,
        "createdAt": clock.to_wire(clock.now()),
        "data": facts | {"reason": None, "reference": reference} | data,
    }


def key_of(provider: str) -> bytes:
    bank = providers.get(provider)
    assert bank is not None
    return bank.keys[0]


def signed(
    body: bytes, *, key: bytes | str, event_id: str = "evt_fixed", at: datetime | None = None
) -> dict[str, str]:
    """The headers with which the bank's own library would send it."""
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


def tell(
    client: FlaskClient,
    said: dict[str, Any],
    *,
    provider: str = "HDFC",
    key: bytes | None = None,
    **changes: str,
) -> TestResponse:
    """Send it, signed with the bank's key unless another is given. changes: of its headers."""
    body = json.dumps(said).encode()
    headers = signed(body, key=key or key_of(provider), event_id=said["id"])
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    return deliver(client, body, headers | named, provider=provider)


def clock_at(monkeypatch: Any, moment: datetime | Callable[[], datetime]) -> None:
    """Stop the application's clock."""
    monkeypatch.setattr(clock, "now", moment if callable(moment) else lambda: moment)
