"""Helpers that call the endpoints of transfers and read the results."""

from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.common.db import transaction
from tests import factories
from tests.factories import Actor

API = "/api/v1"
TRANSFERS = f"{API}/transfers"


def send(
    client: FlaskClient,
    sender: Actor,
    receiver: Actor | dict[str, Any],
    amount: Any = "10.00",
    *,
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> TestResponse:
    """receiver: an actor, or the `recipient` of the request body."""
    recipient = {"userId": str(receiver.id)} if isinstance(receiver, Actor) else receiver
    body = {"recipient": recipient, "amount": amount} | fields
    return client.post(TRANSFERS, json=body, headers=sender.headers | (headers or {}))


def look_up(client: FlaskClient, caller: Actor, **recipient: str) -> TestResponse:
    return client.get(f"{TRANSFERS}/recipient", query_string=recipient, headers=caller.headers)


def with_name(client: FlaskClient, actor: Actor, first: str | None, last: str | None) -> Actor:
    """The actor, after setting these names."""
    names = {"firstName": first, "lastName": last}
    assert client.patch(f"{API}/auth/me", json=names, headers=actor.headers).status_code == 200
    return actor


def number_of(client: FlaskClient, actor: Actor) -> str:
    number: str = client.get(f"{API}/wallet", headers=actor.headers).json["number"]
    return number


def balance(client: FlaskClient, actor: Actor) -> str:
    amount: str = client.get(f"{API}/wallet", headers=actor.headers).json["balance"]
    return amount


def history(client: FlaskClient, actor: Actor) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(
        f"{API}/wallet/transactions", headers=actor.headers
    ).json["data"]
    return rows


def transfers(client: FlaskClient, actor: Actor, **query: Any) -> dict[str, Any]:
    page: dict[str, Any] = client.get(TRANSFERS, query_string=query, headers=actor.headers).json
    return page


def deactivate(client: FlaskClient, actor: Actor) -> None:
    answer = client.post(
        f"{API}/admin/users/{actor.id}/deactivate",
        json={"reason": "requested"},
        headers=factories.admin().headers,
    )
    assert answer.status_code == 200


def send_with_new_client(
    app: Flask, sender: Actor, receiver: Actor, amount: str, **headers: str
) -> Any:
    """Send with a new client, because threads cannot share one."""
    return send(app.test_client(), sender, receiver, amount, headers=headers)


def total_balance() -> int:
    """The sum of all user wallets in minor units, read in one statement."""
    with transaction() as session:
        total: int = session.execute(
            text("SELECT sum(balance)::bigint FROM wallets WHERE kind = 'USER'")
        ).scalar_one()
    return total


def events_of(kind: str, aggregate_id: UUID | str) -> list[dict[str, Any]]:
    """The data of the outbox events of this type about this aggregate, in order."""
    with transaction() as session:
        rows = session.execute(
            text(
                "SELECT data FROM outbox_events WHERE type = :type AND aggregate_id = :id"
                " ORDER BY sequence"
            ),
            {"type": kind, "id": str(aggregate_id)},
        )
        return [row.data for row in rows]
