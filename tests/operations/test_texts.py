"""Every text that people write passes one intake, `app.common.text`, whatever the endpoint."""

from collections.abc import Iterator
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient

from app.common.db import transaction
from tests import factories
from tests.operations.access_matrix import Route, operations_of
from tests.operations.sample_requests import BODIES, SampleData
from tests.operations.test_idempotency_keys import caller_of

#: Kept exactly as they were typed, or compared with what we sent.
SECRETS: Final = {"password", "currentPassword", "newPassword", "refreshToken"}
REGISTER: Final = "/api/v1/auth/register"
#: Requests of banks and of the payment gateway, which are signed.
WEBHOOKS: Final = "/webhooks/"


def texts_of(schema: dict[str, Any], components: dict[str, Any]) -> Iterator[str]:
    """The properties of a schema that are text of any form."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    for name, found in schema.get("properties", {}).items():
        kinds = found.get("type")
        if "string" not in (kinds if isinstance(kinds, list) else [kinds]):
            continue
        if not {"enum", "format", "pattern"} & found.keys() and name not in SECRETS:
            yield name


def bodies_of(app: Flask) -> Iterator[tuple[Route, list[str]]]:
    components = app.test_client().get("/api/openapi.json").json["components"]["schemas"]
    for route, operation in operations_of(app).items():
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content and WEBHOOKS not in route[1]:
            yield route, list(texts_of(content["application/json"]["schema"], components))


def problems_of(
    client: FlaskClient, data: SampleData, route: Route, text: str, names: list[str]
) -> dict[str, list[str]]:
    """What is wrong with a body in which these texts are `text`."""
    method, path = route
    caller = data.actors[caller_of(route)]
    body = (BODIES.get(route) or {}) | dict.fromkeys(names, text)
    answer = client.open(
        path.format(**data.names), method=method, json=body, headers=caller.headers
    )
    assert answer.status_code == 400, (route, names, answer.text)
    details: dict[str, list[str]] = answer.json["details"]
    return details


def test_every_text_refuses_controls_and_texts_that_cannot_be_seen(
    app: Flask, client: FlaskClient, data: SampleData
) -> None:
    checked = 0
    for route, names in bodies_of(app):
        if not names:
            continue
        controls = problems_of(client, data, route, "a\u202eb", names)
        invisible = problems_of(client, data, route, "\u200b\u2060 ", names)
        for name in names:
            assert controls[name], (route, name)
            assert invisible[name], (route, name)
            checked += 1
    assert checked > 25


def test_white_space_does_not_count_towards_the_length(client: FlaskClient) -> None:
    headers = factories.actor().headers
    for length, status in ((200, 200), (201, 400)):
        body = {"amount": "1.00", "description": f"  {'x' * length}\u200b\n"}
        answer = client.post("/api/v1/wallet/deposit", json=body, headers=headers)
        assert answer.status_code == status


def test_pasted_identifiers_are_understood(client: FlaskClient) -> None:
    receiver = factories.actor(phone="+14155550123")
    with transaction() as session:
        number = factories.wallet(session, receiver.id).number
    sender = factories.buyer("10.00")
    for recipient in (
        {"phone": "\u202a+1\u00a0(415)\u00a0555\u20110123\u202c"},
        {"walletNumber": "\u00a0".join((number[:4], number[4:8], number[8:])) + "\u200b"},
        {"walletNumber": "\u2010".join((number[:4], number[4:8], number[8:]))},
        {"email": f"\ufeff{receiver.email}\u200b"},
    ):
        body = {"recipient": recipient, "amount": "1.00"}
        answer = client.post("/api/v1/transfers", json=body, headers=sender.headers)
        assert answer.status_code == 201, (recipient, answer.text)


def test_an_invisible_character_does_not_make_another_account(client: FlaskClient) -> None:
    body = {"email": "ada@example.com", "password": "a-fine-secret-1", "role": "USER"}
    assert client.post(REGISTER, json=body).status_code == 201

    pasted = {"email": "\u202aa\u200bda@example.com\u202c"}
    answer = client.post(REGISTER, json=body | pasted)
    assert answer.status_code == 409
    # Nor does it keep anybody out.
    signed_in = client.post("/api/v1/auth/login", json=pasted | {"password": body["password"]})
    assert signed_in.status_code == 200


def test_equal_names_are_stored_equally(client: FlaskClient) -> None:
    seller = factories.merchant()
    names = []
    for name in ("Caf\u00e9", "Cafe\u0301", " \u200bCaf\u00e9 "):
        body = {"name": name, "price": "1.00", "availableUnits": 1}
        answer = client.post("/api/v1/products", json=body, headers=seller.headers)
        names.append(answer.json["name"])
    assert names == ["Caf\u00e9"] * 3
    found = client.get("/api/v1/products?q=cafe").json
    assert [one["name"] for one in found] == names
