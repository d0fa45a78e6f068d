"""Helpers that call the endpoints of refunds and refund requests."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import Actor

API = "/api/v1"


def refund(client: FlaskClient, seller: Actor, order_id: str, **breakdown: Any) -> TestResponse:
    key = breakdown.pop("key", None)
    headers = seller.headers | ({"Idempotency-Key": key} if key else {})
    return client.post(f"{API}/orders/{order_id}/refunds", json=breakdown, headers=headers)


def preview(client: FlaskClient, seller: Actor, order_id: str, **breakdown: Any) -> TestResponse:
    path = f"{API}/orders/{order_id}/refunds/preview"
    return client.get(path, query_string=breakdown, headers=seller.headers)


def shown(client: FlaskClient, user: Actor, order_id: str) -> dict[str, Any]:
    order: dict[str, Any] = client.get(f"{API}/orders/{order_id}", headers=user.headers).json
    return order


def request_refund(
    client: FlaskClient, buyer: Actor, order_id: str, **breakdown: Any
) -> TestResponse:
    body = {"reason": "It does not work"} | breakdown
    path = f"{API}/orders/{order_id}/refund-requests"
    return client.post(path, json=body, headers=buyer.headers)


def decide(
    client: FlaskClient, user: Actor, refund_request_id: str, verb: str, **body: Any
) -> TestResponse:
    path = f"{API}/refund-requests/{refund_request_id}/{verb}"
    return client.post(path, json=body, headers=user.headers)
