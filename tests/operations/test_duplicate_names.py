"""No endpoint accepts JSON in which an object has the same name twice."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common.settings import Settings
from app.gateway import provider_config
from app.gateway.provider_config import GatewayConfig
from tests.banks.webhooks import key_of, signed_headers
from tests.gateway.conftest import use
from tests.gateway.webhooks import signature_header
from tests.operations.access_matrix import Route, operations_of
from tests.operations.sample_requests import SampleData
from tests.operations.test_idempotency_keys import caller_of
from tests.responses import refusal
from tests.stripe import SECRET_KEY, WEBHOOK_SECRET

#: A name twice, at every depth: at the top, in an object, in an object of a list.
BODIES = [b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'{"a":[[{"b":{"c":null,"c":null}}]]}']


@pytest.fixture(autouse=True)
def gateway(app: Flask, settings: Settings) -> Iterator[None]:
    use(GatewayConfig("http://127.0.0.1:9", SECRET_KEY, (WEBHOOK_SECRET,)))
    yield
    use(provider_config.from_settings(settings))


def signed(route: Route, body: bytes) -> dict[str, Any]:
    if route[1].endswith("/webhooks/{provider}"):
        return signed_headers(body, key=key_of("HDFC"))
    if route[1].endswith("/webhooks/stripe"):
        return {"Stripe-Signature": signature_header(body)}
    return {}


def test_a_body_with_the_same_name_twice_is_refused(
    app: Flask, client: FlaskClient, data: SampleData
) -> None:
    taking_json = {
        route: operation
        for route, operation in operations_of(app).items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert len(taking_json) > 40
    for route, operation in taking_json.items():
        method, path = route
        actor = data.actors[caller_of(route)] if operation.get("security") else None
        for body in BODIES:
            answer = client.open(
                path.format(**data.names),
                method=method,
                data=body,
                content_type="application/json",
                headers=signed(route, body) | (actor.headers if actor else {}),
            )
            assert refusal(answer) == (400, "MALFORMED_JSON"), route
            assert "twice" in answer.json["message"]
