"""The webhooks of banks: what is stored, and what is refused."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common.db import reading
from app.inbox.models import InboundEvent
from tests.banks.webhooks import deliver, event_body, key_of, send_event, signed_headers
from tests.inbox.recording import RecordingHandler
from tests.responses import refusal


def stored_events() -> list[InboundEvent]:
    with reading() as session:
        return list(session.scalars(select(InboundEvent).order_by(InboundEvent.id)))


def paid(**data: Any) -> dict[str, Any]:
    return event_body("payout.paid", "reference-1", **data)


class TestReceiving:
    def test_an_event_is_stored_as_signed_and_not_handled_yet(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        body = paid(amount="12.50", currency="USD", bankReference="UTR-1", reason="", userId="u")
        send_event(client, body)

        (event,) = stored_events()
        assert json.loads(event.body) == body
        assert (event.provider, event.event_id, event.type) == ("HDFC", body["id"], "payout.paid")
        assert (event.reference, event.amount, event.currency) == ("reference-1", 1250, "USD")
        assert (event.user_id, event.provider_reference, event.reason) == ("u", "UTR-1", "")
        assert (event.status, event.attempts, event.processed_at) == ("RECEIVED", 0, None)
        assert handler.handled == []

    @pytest.mark.parametrize(
        ("amount", "currency", "minor"),
        [
            ("12.505", "USD", None),
            ("12", "JPY", 12),
            ("12.5", "JPY", None),
            ("1.00", "XXX", None),
            (None, "USD", None),
            ("1.00", None, None),
            ("99999999999999999999", "USD", None),
        ],
    )
    def test_an_amount_that_its_currency_cannot_express_is_stored_as_null(
        self,
        client: FlaskClient,
        handler: RecordingHandler,
        amount: str | None,
        currency: str | None,
        minor: int | None,
    ) -> None:
        assert send_event(client, paid(amount=amount, currency=currency)).status_code == 200
        assert [event.amount for event in stored_events()] == [minor]

    def test_a_repeated_delivery_is_acknowledged_and_stored_once(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        body = paid()
        answers = [send_event(client, body) for _ in range(3)]
        assert [(a.status_code, a.json) for a in answers] == [(200, {"received": True})] * 3
        assert len(stored_events()) == 1

    def test_two_banks_may_use_the_same_event_id(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        handler.owned.add(("AXIS", "reference-1"))
        body = paid()
        for provider in ("HDFC", "AXIS"):
            assert send_event(client, body, provider=provider).status_code == 200
        assert [event.provider for event in stored_events()] == ["HDFC", "AXIS"]

    def test_an_unknown_reference_is_not_found_and_not_stored(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        body = event_body("payout.paid", "reference-2")
        assert refusal(send_event(client, body)) == (404, "REFERENCE_UNKNOWN")
        assert stored_events() == []

    def test_a_reference_of_another_bank_is_not_found(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        assert refusal(send_event(client, paid(), provider="AXIS")) == (404, "REFERENCE_UNKNOWN")

    @pytest.mark.parametrize("provider", ["SBI", "hdfc", "HDFC%20", "..", "%00"])
    def test_an_unknown_bank_is_not_found(self, client: FlaskClient, provider: str) -> None:
        body = json.dumps(paid()).encode()
        answer = deliver(client, body, signed_headers(body, key=key_of("HDFC")), provider=provider)
        assert answer.status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'{"type": "payout.paid"}',
            b'{"type": "payout.paid", "data": null}',
            b'{"type": "payout.paid", "data": {}}',
            b'{"type": "payout.lost", "data": {"reference": "reference-1"}}',
            b'{"type": ["payout.paid"], "data": {"reference": "reference-1"}}',
            b'{"type": "payout.paid", "data": {"reference": 1}}',
            b'{"type": "payout.paid", "data": {"reference": ""}}',
            b'{"type": "payout.paid", "data": {"reference": "reference-1", "amount": "-1"}}',
            b'{"type": "payout.paid", "data": {"reference": "reference-1", "amount": NaN}}',
            b'{"type": "payout.paid", "data": {"reference": "reference-1", "reason": "\\u0000"}}',
            b'{"type": "payout.paid", "data": {"reference": "reference-1", "reason": "\\ud800"}}',
        ],
    )
    def test_an_invalid_body_is_refused_even_if_it_is_signed(
        self, client: FlaskClient, handler: RecordingHandler, body: bytes
    ) -> None:
        answer = deliver(client, body, signed_headers(body, key=key_of("HDFC")))
        assert answer.status_code == 400
        assert stored_events() == []

    def test_additional_fields_are_ignored(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        assert send_event(client, paid(branch="Pune") | {"version": 2}).status_code == 200

    def test_another_media_type_or_a_large_body_is_refused(
        self, client: FlaskClient, handler: RecordingHandler
    ) -> None:
        body = json.dumps(paid()).encode()
        headers = signed_headers(body, key=key_of("HDFC"))
        answer = client.post(
            "/api/v1/onramp/webhooks/HDFC", data=body, headers=headers, content_type="text/plain"
        )
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
        large = json.dumps(paid(reason="x" * 70_000)).encode()
        answer = deliver(client, large, signed_headers(large, key=key_of("HDFC")))
        assert refusal(answer) == (413, "BODY_TOO_LARGE")
