"""Orders paid at the gateway, and the webhooks about them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select, update

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


def order(client: FlaskClient, buyer: Actor, product_id: UUID, **fields: Any) -> Any:
    """The response to a purchase at the gateway; its JSON has order, checkoutUrl and sessionId."""
    key = fields.pop("key", None)
    body = {"productId": str(product_id), "paymentMethod": "GATEWAY"} | fields
    headers = buyer.headers | ({"Idempotency-Key": key} if key else {})
    return client.post(ORDERS, json=body, headers=headers)


def tell(client: FlaskClient, told: Received) -> int:
    """Deliver a webhook of the gateway, and have the worker handle it."""
    answer = client.post(
        WEBHOOKS,
        data=told.raw,
        headers={"Stripe-Signature": told.header},
        content_type="application/json",
    )
    settle_all()
    return answer.status_code


def settle_all() -> None:
    with db.transaction() as session:
        waiting = session.scalars(
            select(InboundEvent.id).where(InboundEvent.status == "RECEIVED")
        ).all()
    for event_id in waiting:
        inbox.handle(str(event_id))


def lock(owner: Actor, *, locked: bool = True) -> None:
    with db.transaction() as session:
        factories.wallet(session, owner.id).is_locked = locked


def make_due(order_id: str) -> None:
    with db.transaction() as session:
        session.execute(
            update(Checkout)
            .where(Checkout.order_id == UUID(order_id))
            .values(next_attempt_at=clock.now() - timedelta(seconds=1))
        )
