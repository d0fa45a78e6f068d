"""Asking the coupons' endpoints."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import Actor

COUPONS = "/api/v1/coupons"


def make(client: FlaskClient, seller: Actor, **changes: Any) -> TestResponse:
    """A quarter off, unless `changes` say otherwise."""
    body = {"code": "SPRING", "kind": "PERCENT", "value": "25"} | changes
    return client.post(COUPONS, json=body, headers=seller.headers)


def uses(client: FlaskClient, seller: Actor, coupon_id: str) -> int:
    count: int = client.get(f"{COUPONS}/{coupon_id}", headers=seller.headers).json["uses"]
    return count
