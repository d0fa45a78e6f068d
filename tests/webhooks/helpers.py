"""Creating endpoints, handling events and delivering, as the tests of webhooks do."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.events.models import OutboxEvent
from app.events.sinks import StoredEvent
from app.webhooks.dispatch.client import Answer
from app.webhooks.dispatch.dispatcher import Dispatcher
from app.webhooks.handler import TYPES, handle
from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.clock import freeze_clock
from tests.factories import Actor

API = "/api/v1/webhook-endpoints"


def create(client: FlaskClient, seller: Actor, url: str, **fields: Any) -> dict[str, Any]:
    """A new endpoint, with its secret."""
    answer = client.post(API, json={"url": url, **fields}, headers=seller.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def send(
    client: FlaskClient, seller: Actor, method: str, path: str = "", body: Any = None
) -> TestResponse:
    return client.open(f"{API}{path}", method=method, json=body, headers=seller.headers)


def shown(client: FlaskClient, seller: Actor, endpoint: dict[str, Any]) -> dict[str, Any]:
    """The endpoint as its merchant sees it now."""
    found: dict[str, Any] = send(client, seller, "GET", f"/{endpoint['id']}").json
    return found


def deliveries_of(
    client: FlaskClient, seller: Actor, endpoint: dict[str, Any], query: str = ""
) -> list[dict[str, Any]]:
    """Deliveries to an endpoint, oldest first."""
    answer = send(client, seller, "GET", f"/{endpoint['id']}/deliveries?limit=100{query}")
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json["data"]))


def attempts_of(
    client: FlaskClient, seller: Actor, endpoint: dict[str, Any], delivery: dict[str, Any]
) -> list[dict[str, Any]]:
    """The attempts of a delivery, oldest first."""
    path = f"/{endpoint['id']}/deliveries/{delivery['id']}/attempts?limit=100"
    return list(reversed(send(client, seller, "GET", path).json["data"]))


def occurred(
    seller: Actor, *aggregates: UUID, event_type: str = "giveaway-created", **data: Any
) -> list[StoredEvent]:
    """Events of the merchant, of these aggregates or of a new one, that the handler has handled."""
    found = [
        StoredEvent(
            id=new_id(),
            type=event_type,
            aggregate_type="giveaway",
            aggregate_id=aggregate,
            version=1,
            schema_version=1,
            data={"merchantId": str(seller.id), "name": "Conference", **data},
            occurred_at=clock.now(),
        )
        for aggregate in aggregates or [new_id()]
    ]
    with transaction() as session:
        handle(session, found)
    return found


def relay_outbox() -> list[StoredEvent]:
    """Handle every event of the outbox, as the relay does. Returns them."""
    with transaction() as session:
        rows = session.scalars(
            select(OutboxEvent).where(OutboxEvent.type.in_(TYPES)).order_by(OutboxEvent.sequence)
        ).all()
        found = [stored(row) for row in rows]
        handle(session, found)
    return found


def stored(row: OutboxEvent) -> StoredEvent:
    return StoredEvent(
        id=row.id,
        type=row.type,
        aggregate_type=row.aggregate_type,
        aggregate_id=row.aggregate_id,
        version=1,
        schema_version=1,
        data=row.data,
        occurred_at=row.occurred_at,
    )


def deliver(**options: Any) -> None:
    """Deliver what is due, until nothing is."""
    dispatcher = Dispatcher(threads=16, **options)
    dispatcher.run(until=lambda: dispatcher.is_idle)


def later(monkeypatch: pytest.MonkeyPatch, **duration: float) -> datetime:
    """Set the clock forward. Returns the new time."""
    now = clock.now() + timedelta(**duration)
    freeze_clock(monkeypatch, now)
    return now


def rows(session: Session) -> Sequence[WebhookDelivery]:
    return session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.position)).all()


def endpoint_row(session: Session, endpoint: dict[str, Any]) -> WebhookEndpoint:
    return session.get_one(WebhookEndpoint, UUID(endpoint["id"]), populate_existing=True)


def create_records(client: FlaskClient, seller: Actor) -> None:
    """Endpoints, one of them deleted, deliveries of every status, an attempt and a replay."""
    kept, deleted = (create(client, seller, "http://127.0.0.1:9/") for _ in range(2))
    first, second = new_id(), new_id()
    occurred(seller, first)
    deliver(send=lambda _: Answer(timedelta(0), 200))
    send(client, seller, "DELETE", f"/{deleted['id']}")
    occurred(seller, first, first)
    deliver(send=lambda _: Answer(timedelta(0), 500, "Answered with 500."))
    send(client, seller, "POST", f"/{kept['id']}/rotate-secret", {"overlapDays": 1})
    delivery = deliveries_of(client, seller, kept)[0]
    replay = {"deliveryIds": [delivery["id"]]}
    assert send(client, seller, "POST", f"/{kept['id']}/replays", replay).status_code == 201
    occurred(seller, second)
    deliver(send=lambda _: Answer(timedelta(0), 410, "Answered with 410."))
