"""Helpers that call the endpoints of orders and read the results."""

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.common import db
from app.events.models import OutboxEvent
from app.orders.models import Order
from tests.factories import Actor

ORDERS = "/api/v1/orders"


UNKNOWN = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"


def buy(client: FlaskClient, buyer: Actor, product_id: UUID | str, **fields: Any) -> TestResponse:
    body = {"productId": str(product_id), "paymentMethod": "WALLET"} | fields
    return client.post(ORDERS, json=body, headers=buyer.headers)


def balance(client: FlaskClient, user: Actor) -> str:
    amount: str = client.get("/api/v1/wallet", headers=user.headers).json["balance"]
    return amount


def units(client: FlaskClient, product_id: UUID) -> int:
    count: int = client.get(f"/api/v1/products/{product_id}").json["availableUnits"]
    return count


def nothing_happened(client: FlaskClient, buyer: Actor, *, has: str = "100.00") -> bool:
    """Whether the buyer has the same balance and no order or event was recorded."""
    with db.transaction() as session:
        orders = session.scalar(select(func.count()).select_from(Order))
        events = session.scalar(
            select(func.count())
            .select_from(OutboxEvent)
            .where(OutboxEvent.type == "order-completed")
        )
    return (balance(client, buyer), orders, events) == (has, 0, 0)
