"""Helpers that call the endpoints of wallets and read the results."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from tests.factories import Actor

WALLET = "/api/v1/wallet"


def deposit(client: FlaskClient, user: Actor, amount: Any, **fields: Any) -> TestResponse:
    body = {"amount": amount} | fields
    return client.post(f"{WALLET}/deposit", json=body, headers=user.headers)


def withdraw(client: FlaskClient, user: Actor, amount: Any, **fields: Any) -> TestResponse:
    body = {"amount": amount} | fields
    return client.post(f"{WALLET}/withdraw", json=body, headers=user.headers)


def send_raw(client: FlaskClient, user: Actor, call: str, amount: str) -> TestResponse:
    """amount: the JSON text."""
    return client.post(
        f"{WALLET}/{call}",
        data=f'{{"amount":{amount}}}'.encode(),
        content_type="application/json",
        headers=user.headers,
    )


def wallet_of(client: FlaskClient, user: Actor) -> dict[str, Any]:
    wallet: dict[str, Any] = client.get(WALLET, headers=user.headers).json
    return wallet


def balance(client: FlaskClient, user: Actor) -> str:
    amount: str = wallet_of(client, user)["balance"]
    return amount


def latest_transaction(client: FlaskClient, user: Actor) -> dict[str, Any]:
    history = client.get(f"{WALLET}/transactions", headers=user.headers).json
    latest: dict[str, Any] = history["data"][0]
    return latest


def set_limit(
    client: FlaskClient, user: Actor, kind: str, window: str, amount: str
) -> TestResponse:
    return client.put(
        f"/api/v1/admin/users/{user.id}/limits",
        json={"type": kind, "window": window, "amount": amount},
        headers=factories.admin().headers,
    )


def lock(client: FlaskClient, user: Actor) -> TestResponse:
    return client.post(
        f"/api/v1/admin/wallets/{wallet_of(client, user)['id']}/lock",
        json={"reason": "Under review"},
        headers=factories.admin().headers,
    )


class Clock:
    """A frozen clock for one module."""

    def __init__(self, moment: Any, real: Any) -> None:
        self.now = lambda: moment
        self.format_timestamp = real.format_timestamp
