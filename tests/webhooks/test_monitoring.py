"""What those who watch the system are told of webhooks."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.common import clock
from tests.clock import freeze_clock
from tests.factories import Actor
from tests.metrics import AUTHORIZED, TOKEN
from tests.webhooks.helpers import create, deliver, occurred
from tests.webhooks.receiver import Receiver


@pytest.fixture
def client(committing: Flask) -> FlaskClient:
    """Health checks use connections of their own."""
    return committing.test_client()


def check(client: FlaskClient) -> tuple[int, str, str]:
    answer = client.get("/health/ready")
    return answer.status_code, answer.json["status"], answer.json["checks"]["webhooks"]


def test_a_delivery_that_is_due_for_five_minutes_degrades_readiness(
    client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(client, seller, receiver.url)
    occurred(seller)
    now = clock.now()
    freeze_clock(monkeypatch, now + timedelta(minutes=4))
    assert check(client)[2] == "ok"

    freeze_clock(monkeypatch, now + timedelta(minutes=6))
    assert check(client) == (200, "degraded", "behind")

    deliver()
    assert check(client)[2] == "ok"


def test_waiting_deliveries_and_failing_endpoints_are_metrics(
    client: FlaskClient,
    seller: Actor,
    receiver: Receiver,
    change_settings: Callable[..., None],
) -> None:
    change_settings(metrics_token=TOKEN)
    create(client, seller, receiver.url)
    receiver.always = 500
    occurred(seller)
    deliver()
    occurred(seller)

    text = client.get("/metrics", headers=AUTHORIZED).text

    assert 'payment_flow_webhook_deliveries{status="waiting"} 2.0' in text
    assert 'payment_flow_webhook_endpoints{state="answering"} 0.0' in text
    assert 'payment_flow_webhook_endpoints{state="failing"} 1.0' in text
