"""Helpers that call the endpoints of holds."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import Actor

HOLDS = "/api/v1/wallet/holds"


def place(
    client: FlaskClient, payer: Actor, payee: Actor, amount: Any = "40.00", **fields: Any
) -> TestResponse:
    body = {"payeeId": str(payee.id), "amount": amount} | fields
    return client.post(HOLDS, json=body, headers=payer.headers)


def capture(
    client: FlaskClient, payee: Actor, hold_id: str, amount: Any = None, **headers: str
) -> TestResponse:
    body = {"amount": amount} if amount is not None else None
    return client.post(f"{HOLDS}/{hold_id}/capture", json=body, headers=payee.headers | headers)


def void(client: FlaskClient, payee: Actor, hold_id: str) -> TestResponse:
    return client.post(f"{HOLDS}/{hold_id}/void", headers=payee.headers)


def show(client: FlaskClient, user: Actor, hold_id: str) -> TestResponse:
    return client.get(f"{HOLDS}/{hold_id}", headers=user.headers)


def ids(client: FlaskClient, user: Actor, **query: Any) -> list[str]:
    page = client.get(HOLDS, query_string=query, headers=user.headers).json
    return [hold["id"] for hold in page["data"]]


def amounts(client: FlaskClient, user: Actor) -> tuple[str, str, str]:
    """Balance, held and available amounts of the user's wallet."""
    wallet = client.get("/api/v1/wallet", headers=user.headers).json
    return wallet["balance"], wallet["held"], wallet["available"]
