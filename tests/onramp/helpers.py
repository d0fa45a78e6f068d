"""Creating on-ramps, and delivering the banks' events about them."""

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.common.db import reading
from app.events.models import OutboxEvent
from app.inbox import tasks
from app.inbox.models import InboundEvent
from tests.banks.webhooks import event_body, send_event
from tests.factories import Actor

ONRAMP = "/api/v1/onramp"


def create_onramp(
    client: FlaskClient, user: Actor, amount: Any = "25.00", **fields: Any
) -> TestResponse:
    headers = user.headers | fields.pop("headers", {})
    body = {"provider": "HDFC", "amount": amount} | fields
    return client.post(ONRAMP, json=body, headers=headers)


def created_onramp(
    client: FlaskClient, user: Actor, amount: Any = "25.00", **fields: Any
) -> dict[str, Any]:
    """A new on-ramp."""
    answer = create_onramp(client, user, amount, **fields)
    assert answer.status_code == 201, answer.text
    onramp: dict[str, Any] = answer.json
    return onramp


def bank_event(
    onramp: dict[str, Any], user: Actor, kind: str = "payment.succeeded", **data: Any
) -> dict[str, Any]:
    """The bank's event about an on-ramp. data: fields that differ from our record."""
    facts = {
        "amount": onramp["amount"],
        "currency": onramp["currency"],
        "userId": str(user.id),
        "bankReference": f"UTR-{onramp['id'][-6:]}",
    }
    return event_body(kind, onramp["token"], **(facts | data))


def deliver_event(
    client: FlaskClient,
    onramp: dict[str, Any],
    user: Actor,
    kind: str = "payment.succeeded",
    **data: Any,
) -> None:
    """Deliver the bank's event about an on-ramp, and handle it."""
    answer = send_event(client, bank_event(onramp, user, kind, **data), provider=onramp["provider"])
    assert answer.status_code == 200, answer.text
    tasks.sweep()


def get_onramp(client: FlaskClient, user: Actor, onramp: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"{ONRAMP}/{onramp['id']}", headers=user.headers)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json
    return shown


def outbox_data(kind: str) -> list[dict[str, Any]]:
    """The data of the outbox events of this type, in order."""
    with reading() as session:
        query = select(OutboxEvent).where(OutboxEvent.type == kind).order_by(OutboxEvent.sequence)
        return [event.data for event in session.scalars(query)]


def inbound_events() -> list[tuple[str, str | None]]:
    """Status and last error of every inbound event, in order."""
    with reading() as session:
        query = select(InboundEvent).order_by(InboundEvent.id)
        return [(event.status, event.last_error) for event in session.scalars(query)]
