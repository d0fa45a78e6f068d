"""Rate limits and metrics of the banks' webhooks."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.banks.webhooks import event_body, send_event
from tests.inbox.recording import RecordingHandler
from tests.metrics import TOKEN, webhooks_by_outcome
from tests.responses import refusal


def counted(client: FlaskClient, provider: str = "HDFC") -> dict[str, float]:
    return webhooks_by_outcome(client, "bank", provider=provider)


def test_every_webhook_is_counted_by_bank_and_outcome(
    client: FlaskClient, handler: RecordingHandler, change_settings: Callable[..., None]
) -> None:
    change_settings(metrics_token=TOKEN)
    before = counted(client)
    axis_before = counted(client, "AXIS")

    event = event_body("payout.paid", "reference-1")
    send_event(client, event)
    send_event(client, event)
    send_event(client, event_body("payout.paid", "reference-2"))
    send_event(client, event_body("payout.lost", "reference-1"))
    send_event(client, event, key=b"x" * 32)
    send_event(client, event, webhook_signature="v1")
    send_event(client, event, webhook_timestamp="0")
    send_event(client, event, webhook_id="")

    after = counted(client)
    assert {outcome: after[outcome] - before[outcome] for outcome in before} == {
        "stored": 1,
        "repeated": 1,
        "unknown_reference": 1,
        "refused": 1,
        "forged": 1,
        "malformed": 1,
        "stale": 1,
        "missing": 1,
    }
    assert counted(client, "AXIS") == axis_before


def test_the_rate_limit_is_per_address_and_bank(
    rate_limited: Flask, handler: RecordingHandler
) -> None:
    client = rate_limited.test_client()
    event = event_body("payout.paid", "reference-1")

    flood = [client.post("/api/v1/onramp/webhooks/HDFC").status_code for _ in range(1200)]

    assert set(flood) == {401}
    refused = send_event(client, event)
    assert refusal(refused) == (429, "RATE_LIMITED")
    assert int(refused.headers["Retry-After"]) >= 1
    assert send_event(client, event, provider="AXIS").status_code == 404
    elsewhere = client.post(
        "/api/v1/onramp/webhooks/HDFC", environ_overrides={"REMOTE_ADDR": "203.0.113.9"}
    )
    assert elsewhere.status_code == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(client: FlaskClient, method: str) -> None:
    answer = client.open("/api/v1/onramp/webhooks/HDFC", method=method)
    assert refusal(answer) == (405, "METHOD_NOT_ALLOWED")
