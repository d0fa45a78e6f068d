"""Signatures of the webhooks of the gateway."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.common import clock
from tests.gateway.helpers import UseGateway
from tests.gateway.webhooks import (
    event_body,
    post_webhook,
    send_event,
    signature_header,
    stored,
)
from tests.inbox.recording import RecordingHandler
from tests.responses import refusal
from tests.stripe import (
    WEBHOOK_SECRET,
)


@pytest.mark.usefixtures("two_secrets")
class TestSignatures:
    @pytest.mark.parametrize("secret", [WEBHOOK_SECRET, "whsec_the_secret_before_it"])
    def test_every_configured_secret_is_accepted(
        self, handler: RecordingHandler, client: FlaskClient, secret: str
    ) -> None:
        event = event_body(client_reference_id=str(handler.new_reference("STRIPE")))
        assert send_event(client, event, secret=secret).status_code == 200
        assert stored() == 1

    def reason(self, answer: Any) -> str:
        assert refusal(answer) == (401, "INVALID_SIGNATURE")
        return str(answer.json["details"]["reason"])

    @pytest.mark.parametrize("ago", [301, -301, 86_400])
    def test_a_stale_signature_is_refused(self, client: FlaskClient, ago: int) -> None:
        assert self.reason(send_event(client, event_body(), ago=ago)) == "STALE"

    @pytest.mark.parametrize("ago", [290, -290])
    def test_clocks_may_differ_by_less_than_five_minutes(
        self, handler: RecordingHandler, client: FlaskClient, ago: int
    ) -> None:
        event = event_body(client_reference_id=str(handler.new_reference("STRIPE")))
        assert send_event(client, event, ago=ago).status_code == 200

    def test_a_signature_with_another_secret_is_refused(self, client: FlaskClient) -> None:
        assert (
            self.reason(send_event(client, event_body(), secret="whsec_of_another_account"))
            == "FORGED"
        )

    def test_a_signature_of_another_body_is_refused(self, client: FlaskClient) -> None:
        raw = json.dumps(event_body()).encode()
        assert self.reason(post_webhook(client, raw + b" ", signature_header(raw))) == "FORGED"

    def test_one_valid_signature_of_several_is_enough(
        self, handler: RecordingHandler, client: FlaskClient
    ) -> None:
        raw = json.dumps(
            event_body(client_reference_id=str(handler.new_reference("STRIPE")))
        ).encode()
        header = signature_header(raw) + ",v1=" + "0" * 64 + ",v0=" + "1" * 64
        assert post_webhook(client, raw, header).status_code == 200

    @pytest.mark.parametrize("header", [None, ""])
    def test_a_missing_signature_is_refused(self, client: FlaskClient, header: str | None) -> None:
        assert self.reason(post_webhook(client, b"{}", header)) == "MISSING"

    @pytest.mark.parametrize(
        "header",
        [
            "x",
            "=",
            ",",
            "t=,v1=0",
            "t=now,v1=0",
            "t=-1,v1=0",
            "t=1e9,v1=0",
            "t=1,t=2,v1=0",
            "t={now}",
            "v1=00",
            "t={now},v0=00",
            "t={now},v1",
            "t={now} ,v1=00",
            "t={now},v1=\u00e9",
            "t=" + "9" * 5000 + ",v1=0",
        ],
    )
    def test_a_malformed_signature_is_refused(self, client: FlaskClient, header: str) -> None:
        now = str(int(clock.now().timestamp()))
        given = header.replace("{now}", now)
        assert self.reason(post_webhook(client, b"{}", given)) == "MALFORMED"

    def test_signatures_of_any_length_are_compared(self, client: FlaskClient) -> None:
        now = str(int(clock.now().timestamp()))
        for signature in ("", "0", "0" * 63, "0" * 65, "=" * 64):
            assert self.reason(post_webhook(client, b"{}", f"t={now},v1={signature}")) == "FORGED"

    def test_a_body_that_is_not_utf8_is_refused(self, client: FlaskClient) -> None:
        now = str(int(clock.now().timestamp()))
        assert self.reason(post_webhook(client, b"\xff", f"t={now},v1=00")) == "MALFORMED"

    def test_without_a_configured_gateway_every_webhook_is_refused(
        self, client: FlaskClient, use_gateway: UseGateway
    ) -> None:
        use_gateway(None)
        assert refusal(send_event(client, event_body())) == (400, "GATEWAY_NOT_CONFIGURED")
