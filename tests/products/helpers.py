"""Requests to the endpoints of products."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.common import db
from tests.factories import Actor

PRODUCTS = "/api/v1/products"
UNKNOWN = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"


def create(client: FlaskClient, seller: Actor, **fields: Any) -> TestResponse:
    body = {"name": "Course", "price": "10.00", "availableUnits": 5} | fields
    return client.post(PRODUCTS, json=body, headers=seller.headers)


def patch(client: FlaskClient, seller: Actor, product_id: Any, **changes: Any) -> TestResponse:
    return client.patch(f"{PRODUCTS}/{product_id}", json=changes, headers=seller.headers)


def names(client: FlaskClient, **query: Any) -> list[str]:
    answer = client.get(PRODUCTS, query_string=query)
    assert answer.status_code == 200
    return [row["name"] for row in answer.json]


def order(client: FlaskClient, buyer: Actor, product_id: Any, quantity: int = 1) -> TestResponse:
    return client.post(
        "/api/v1/orders",
        json={"productId": str(product_id), "paymentMethod": "WALLET", "quantity": quantity},
        headers=buyer.headers,
    )


@contextmanager
def statements() -> Iterator[list[str]]:
    """Record the SELECT statements on products."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "FROM products" in statement:
            seen.append(statement)

    engine = db.current().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


class Outage:
    """A Redis client that can be made to fail."""

    def __init__(self, client: "redis.Redis[bytes]") -> None:
        self.client = client
        self.is_down = False

    def __getattr__(self, name: str) -> Any:
        if self.is_down:
            raise redis.ConnectionError("The connection is down")
        return getattr(self.client, name)
