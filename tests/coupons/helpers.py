"""Requests to the endpoints of coupons."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import Actor

COUPONS = "/api/v1/coupons"


def create_coupon(client: FlaskClient, seller: Actor, **changes: Any) -> TestResponse:
    """Create a coupon of 25 percent. changes: other fields."""
    body = {"code": "SPRING", "kind": "PERCENT", "value": "25"} | changes
    return client.post(COUPONS, json=body, headers=seller.headers)


def uses(client: FlaskClient, seller: Actor, coupon_id: str) -> int:
    count: int = client.get(f"{COUPONS}/{coupon_id}", headers=seller.headers).json["uses"]
    return count
