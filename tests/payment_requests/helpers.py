"""Helpers that call the endpoints of payment requests and merchant codes."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.common import clock
from tests.factories import Actor
from tests.transfers.helpers import API
from tests.wallets.helpers import Clock

REQUESTS = f"{API}/payment-requests"
CODES = f"{API}/merchant-codes"
WEEK = 7 * 24 * 3600


def create_request(
    client: FlaskClient, requester: Actor, *, to: Actor | None = None, **fields: Any
) -> TestResponse:
    body = fields | ({"payer": {"userId": str(to.id)}} if to else {})
    return client.post(REQUESTS, json=body, headers=requester.headers)


def created_request(client: FlaskClient, requester: Actor, **fields: Any) -> dict[str, Any]:
    """A new request. to: its payer; None for a request that anybody can pay."""
    answer = create_request(client, requester, **fields)
    assert answer.status_code == 201, answer.text
    request: dict[str, Any] = answer.json
    return request


def close_request(
    client: FlaskClient, caller: Actor, request: dict[str, Any], what: str, **more: Any
) -> TestResponse:
    """what: pay, decline or cancel. more: arguments of the HTTP request."""
    headers = caller.headers | more.pop("headers", {})
    return client.post(f"{REQUESTS}/{request['id']}/{what}", headers=headers, **more)


def status(client: FlaskClient, party: Actor, request: dict[str, Any]) -> str:
    answer = client.get(f"{REQUESTS}/{request['id']}", headers=party.headers)
    word: str = answer.json["status"]
    return word


def requests(client: FlaskClient, actor: Actor, **query: Any) -> list[str]:
    """The ids in the list of this actor."""
    page = client.get(REQUESTS, query_string=query, headers=actor.headers).json
    return [row["id"] for row in page["data"]]


def created_code(client: FlaskClient, merchant: Actor, **fields: Any) -> dict[str, Any]:
    """A new code."""
    answer = client.post(CODES, json=fields, headers=merchant.headers)
    assert answer.status_code == 201, answer.text
    code: dict[str, Any] = answer.json
    return code


def pay_code(client: FlaskClient, payer: Actor, code: dict[str, Any], **more: Any) -> TestResponse:
    headers = payer.headers | more.pop("headers", {})
    return client.post(f"{CODES}/{code['token']}/pay", headers=headers, **more)


def stop_clock(monkeypatch: pytest.MonkeyPatch, moment: Any) -> None:
    """Freeze the time of payment requests at this moment."""
    monkeypatch.setattr("app.payment_requests.service.clock", Clock(moment, clock))
