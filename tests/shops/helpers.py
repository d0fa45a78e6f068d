"""Helpers that set the profile of a shop."""

from typing import Any

from flask.testing import FlaskClient

from tests.factories import Actor


def with_shop(client: FlaskClient, merchant: Actor, **profile: Any) -> Actor:
    """The merchant, after setting these fields of the shop profile."""
    answer = client.patch("/api/v1/shop", json=profile, headers=merchant.headers)
    assert answer.status_code == 200, answer.text
    return merchant
