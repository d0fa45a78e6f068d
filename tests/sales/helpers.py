"""Helpers that call the endpoints of sales, and that insert past orders and refunds by SQL."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.common.db import transaction
from tests.factories import Actor

SALES = "/api/v1/orders/merchant/sales"
SUMMARY = "/api/v1/orders/merchant/summary"

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

#: The ids match the times. There are no ledger entries, because sales are read from orders.
_ADD_ORDERS = """
    INSERT INTO orders (id, user_id, merchant_id, product_id, payment_method, status, quantity,
        unit_price, discount, amount, fee, currency, completed_at, created_at, updated_at)
    SELECT uuidv7(made - clock_timestamp()), :buyer_id, p.merchant_id, p.id, :method, :status,
        :quantity, 1000, :discount, 1000 * :quantity - :discount, 25 * :quantity, p.currency,
        made + CAST(:later AS interval), made, made
    FROM products p, generate_series(0, :count - 1) AS n,
        LATERAL (SELECT :first + n * CAST(:apart AS interval)) AS moments (made)
    WHERE p.id = :product_id
    RETURNING id
"""

_ADD_REFUND = """
    INSERT INTO refunds (id, order_id, merchant_id, initiator_id, amount, fee, currency, units,
        restored_units, destination, status, created_at, settled_at)
    SELECT uuidv7(:refunded_at - clock_timestamp()), id, merchant_id, merchant_id, :amount, :fee,
        currency, :units, 0, 'WALLET', 'SUCCEEDED', :refunded_at, :refunded_at
    FROM orders WHERE id = :order_id
"""


def add_orders(product_id: UUID, buyer: Actor, first: datetime, **changes: Any) -> list[str]:
    """Insert orders at 10.00 per unit with a fee of 0.25 per unit. Returns their ids.

    first: time of the first. changes: count, apart (time between two), later (time until the
    completion, None without one), method, status, quantity, discount.
    """
    values = {
        "count": 1,
        "apart": HOUR,
        "later": timedelta(0),
        "method": "WALLET",
        "status": "COMPLETED",
        "quantity": 1,
        "discount": 0,
    } | changes
    with transaction() as session:
        made = session.execute(
            text(_ADD_ORDERS),
            values | {"product_id": product_id, "buyer_id": buyer.id, "first": first},
        )
        return [str(row.id) for row in made]


def add_refund(
    order_id: str, refunded_at: datetime, *, amount: int, fee: int, units: int = 0
) -> None:
    """Insert a refund. amount, fee: cents."""
    values = {
        "order_id": order_id,
        "refunded_at": refunded_at,
        "amount": amount,
        "fee": fee,
        "units": units,
    }
    with transaction() as session:
        session.execute(text(_ADD_REFUND), values)


def read(client: FlaskClient, seller: Actor, **query: Any) -> TestResponse:
    """query: the arguments of the endpoint, with `since` and `until` for `from` and `to`."""
    return client.get(SALES, query_string=query_string(query), headers=seller.headers)


def ids(client: FlaskClient, seller: Actor, **query: Any) -> list[str]:
    answer = read(client, seller, **query)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json["data"]]


def summary(client: FlaskClient, seller: Actor, **query: Any) -> dict[str, Any]:
    answer = client.get(SUMMARY, query_string=query_string(query), headers=seller.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def export(client: FlaskClient, seller: Actor, **query: Any) -> list[dict[str, str]]:
    """The rows of the CSV document (RFC 4180)."""
    answer = client.get(
        f"{SALES}/export", query_string=query_string(query), headers=seller.headers, buffered=True
    )
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def query_string(query: dict[str, Any]) -> dict[str, Any]:
    names = {"since": "from", "until": "to"}
    return {
        names.get(name, name): value.isoformat() if isinstance(value, datetime) else value
        for name, value in query.items()
    }
