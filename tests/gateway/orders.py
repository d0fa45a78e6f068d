"""Orders paid at the gateway, and the webhooks about them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.auth import service as auth
from app.common import clock, db
from app.inbox import tasks as inbox
from app.inbox.models import InboundEvent
from app.orders.models import Checkout
from tests import factories
from tests.factories import Actor
from tests.orders.helpers import ORDERS
from tests.stripe import (
    Received,
)

WEBHOOKS = "/api/v1/webhooks/stripe"


def create_order(client: FlaskClient, buyer: Actor, product_id: UUID, **fields: Any) -> Any:
    """The response to a purchase at the gateway; its JSON has order, checkoutUrl and sessionId."""
    key = fields.pop("key", None)
    body = {"productId": str(product_id), "paymentMethod": "GATEWAY"} | fields
    headers = buyer.headers | ({"Idempotency-Key": key} if key else {})
    return client.post(ORDERS, json=body, headers=headers)


def deliver_and_handle(client: FlaskClient, webhook: Received) -> int:
    """Deliver a webhook of the gateway and handle its event. Returns the status."""
    answer = client.post(
        WEBHOOKS,
        data=webhook.raw,
        headers={"Stripe-Signature": webhook.header},
        content_type="application/json",
    )
    handle_received_events()
    return answer.status_code


def handle_received_events() -> None:
    with db.transaction() as session:
        received = session.scalars(
            select(InboundEvent.id).where(InboundEvent.status == "RECEIVED")
        ).all()
    for event_id in received:
        inbox.handle(str(event_id))


def set_locked(owner: Actor, *, locked: bool = True) -> None:
    with db.transaction() as session:
        factories.wallet(session, owner.id).is_locked = locked


def deactivate(user: Actor) -> None:
    with db.transaction() as session:
        auth.set_active(session, actor_id=None, user_id=user.id, active=False, reason="On request")


def make_due(order_id: str) -> None:
    with db.transaction() as session:
        session.execute(
            update(Checkout)
            .where(Checkout.order_id == UUID(order_id))
            .values(next_attempt_at=clock.now() - timedelta(seconds=1))
        )
