"""What other systems are told of refused transfers."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common.db import transaction
from app.events.models import OutboxEvent
from tests import factories
from tests.factories import Actor
from tests.responses import created, refusal
from tests.transfers.helpers import send


@pytest.fixture
def alice(client: FlaskClient) -> Actor:
    return factories.buyer("100.00")


@pytest.fixture
def bob(client: FlaskClient) -> Actor:
    return factories.actor()


def reported() -> list[dict[str, Any]]:
    with transaction() as session:
        failed = select(OutboxEvent.data).where(OutboxEvent.type == "transaction-failed")
        return list(session.scalars(failed.order_by(OutboxEvent.sequence)))


def test_a_refused_transfer_is_reported(client: FlaskClient, alice: Actor, bob: Actor) -> None:
    assert refusal(send(client, alice, bob, "100.01")) == (400, "INSUFFICIENT_FUNDS")

    assert reported() == [
        {
            "senderId": str(alice.id),
            "receiverId": str(bob.id),
            "amount": 10001,
            "currency": "USD",
            "error": "INSUFFICIENT_FUNDS",
        }
    ]


def test_a_recipient_who_does_not_exist_is_null(client: FlaskClient, alice: Actor) -> None:
    send(client, alice, {"email": "nobody@example.com"})

    (event,) = reported()
    assert (event["receiverId"], event["error"]) == (None, "RECIPIENT_NOT_FOUND")


def test_a_repeated_request_is_reported_once(client: FlaskClient, alice: Actor, bob: Actor) -> None:
    key = {"Idempotency-Key": "lunch"}
    for _ in range(2):
        send(client, alice, bob, "100.01", headers=key)

    assert len(reported()) == 1


def test_a_completed_transfer_did_not_fail(client: FlaskClient, alice: Actor, bob: Actor) -> None:
    created(send(client, alice, bob, "1.00"))

    assert reported() == []
