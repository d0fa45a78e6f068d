"""Events for the handler, and requests to the endpoints of notifications."""

from collections.abc import Sequence
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from app.common import clock, http
from app.common.db import transaction
from app.common.ids import new_id
from app.events import service as events
from app.events.base import Event
from app.events.catalogue.notifications import NotificationRequest
from app.events.models import OutboxEvent
from app.events.sinks import StoredEvent
from app.notifications.handler import TYPES, handle
from app.notifications.models import Channel, OutgoingMessage
from app.notifications.rows import notification_id
from app.notifications.sender import send_all
from tests.factories import Actor

FEED = "/api/v1/notifications"
PREFERENCES = f"{FEED}/preferences"


def stored_events() -> list[StoredEvent]:
    """All events of the outbox that are handled, as the relay passes them on."""
    with transaction() as session:
        rows = session.scalars(select(OutboxEvent).order_by(OutboxEvent.sequence)).all()
    return [
        StoredEvent(
            id=row.id,
            type=row.type,
            aggregate_type=row.aggregate_type,
            aggregate_id=row.aggregate_id,
            version=1,
            schema_version=1,
            data=row.data,
            occurred_at=row.occurred_at,
        )
        for row in rows
        if row.type in TYPES
    ]


def relay() -> None:
    """Hand all events of the outbox to the handler, also those that it was handed before."""
    found = stored_events()
    with transaction() as session:
        handle(session, found)


def record(*recorded: Event) -> None:
    with transaction() as session:
        events.record(session, recorded)


def notification_of(user: Actor) -> str:
    """Notify a user. Returns the ID of the notification."""
    event = StoredEvent(
        id=new_id(),
        type=NotificationRequest.event_type,
        aggregate_type=NotificationRequest.aggregate_type,
        aggregate_id=user.id,
        version=1,
        schema_version=1,
        data={"subject": "Planned maintenance", "text": "On Sunday."},
        occurred_at=clock.now(),
    )
    with transaction() as session:
        handle(session, [event])
    return str(notification_id(event.id, user.id, Channel.IN_APP))


def send_mails() -> int:
    """Hand events to the handler and send all messages. Returns their number."""
    relay()
    return send_all(http.settings())


def feed(client: FlaskClient, user: Actor, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(FEED, query_string=query, headers=user.headers)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json["data"]
    return data


def topics_of(client: FlaskClient, user: Actor) -> list[str]:
    """The topics of the user's notifications, newest first."""
    return [each["topic"] for each in feed(client, user, limit=100)]


def choose(client: FlaskClient, user: Actor, kind: str, **channels: bool) -> None:
    answer = client.put(
        PREFERENCES,
        json={"preferences": [{"kind": kind, **channels}]},
        headers=user.headers,
    )
    assert answer.status_code == 200, answer.text


def outgoing() -> Sequence[OutgoingMessage]:
    """All messages, in the order in which they were created."""
    with transaction() as session:
        return session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.id)).all()


def unknown_id() -> str:
    return str(new_id())
