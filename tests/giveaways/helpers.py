"""Requests to the endpoints of giveaways."""

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import Actor

URL = "/api/v1/giveaways"


def create(
    client: FlaskClient, seller: Actor, product_id: UUID, kind: str, units: int, **more: Any
) -> TestResponse:
    headers = seller.headers | more.pop("headers", {})
    body = {"productId": str(product_id), "name": "Conference", "kind": kind, "units": units}
    return client.post(URL, json=body | more, headers=headers)


def created(*args: Any, **more: Any) -> dict[str, Any]:
    answer = create(*args, **more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def claim(
    client: FlaskClient, user: Actor, giveaway: dict[str, Any], **headers: str
) -> TestResponse:
    path = f"{URL}/by-token/{giveaway['token']}/claim"
    return client.post(path, headers=user.headers | headers)
