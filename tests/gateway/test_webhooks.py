"""Webhooks of the gateway: stored once, and passed to their handlers."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.common.db import transaction
from app.common.money import Money
from app.gateway import client as gateway_client
from app.gateway import service
from app.gateway.provider_config import GatewayConfig
from app.gateway.types import CheckoutSessionStatus, GatewayRefundStatus
from app.inbox import tasks as inbox
from app.inbox.models import InboundEvent
from tests.gateway.helpers import UseGateway, created_session, paid_intent
from tests.gateway.webhooks import (
    deliver,
    event_body,
    post_webhook,
    send_event,
    signature_header,
    stored,
)
from tests.inbox.recording import RecordingHandler
from tests.metrics import TOKEN, webhooks_by_outcome
from tests.responses import refusal
from tests.stripe import (
    DECLINED_CARD,
    FAILING_REFUND_CARD,
    WEBHOOK_SECRET,
    Buyer,
    SandboxGateway,
    Shop,
)

#: An id that no order has.
UNKNOWN = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"


class TestEventsOfTheSimulator:
    def test_a_payment_delivered_three_times_in_any_order_is_handled_once(
        self, gateway: SandboxGateway, shop: Shop, handler: RecordingHandler, client: FlaskClient
    ) -> None:
        gateway.set_behaviour(mode="duplicate")
        orders = [handler.new_reference("STRIPE") for _ in range(3)]
        intents = {str(order): paid_intent(order) for order in orders}
        webhooks = shop.wait_for(9)
        random.shuffle(webhooks)

        answers = [deliver(client, webhook) for webhook in webhooks]
        inbox.sweep()

        assert {(a.status_code, a.json["received"]) for a in answers} == {(200, True)}
        assert sorted(one.reference for one in handler.handled) == sorted(intents)
        for one in handler.handled:
            assert (one.provider, one.type) == ("STRIPE", "checkout.session.completed")
            assert one.topic == "checkout"
            assert (one.amount, one.currency) == (5000, "USD")
            assert one.provider_reference == intents[one.reference]
            state = service.checkout_session_of(one)
            assert state.status is CheckoutSessionStatus.PAID
            assert state == gateway_client.retrieve_checkout_session(state.session_id)

    def test_an_expired_session_is_handled(
        self, gateway: SandboxGateway, shop: Shop, handler: RecordingHandler, client: FlaskClient
    ) -> None:
        order = handler.new_reference("STRIPE")
        gateway_client.expire_checkout_session(created_session(order).session_id)
        deliver(client, *shop.wait_for(1))
        inbox.sweep()

        (one,) = handler.handled
        assert (one.type, one.reference) == ("checkout.session.expired", str(order))
        assert one.provider_reference is None
        assert service.checkout_session_of(one).status is CheckoutSessionStatus.EXPIRED

    def test_a_declined_card_is_handled(
        self, gateway: SandboxGateway, shop: Shop, handler: RecordingHandler, client: FlaskClient
    ) -> None:
        order = handler.new_reference("STRIPE")
        checkout = created_session(order)
        Buyer().pay(checkout.url, DECLINED_CARD)
        deliver(client, *shop.wait_for(1))
        inbox.sweep()

        (one,) = handler.handled
        assert (one.topic, one.type) == ("payment_intent", "payment_intent.payment_failed")
        assert (one.reference, one.reason) == (str(order), "generic_decline")
        assert (
            one.provider_reference
            == gateway_client.retrieve_checkout_session(checkout.session_id).payment_intent_id
        )

    def test_refunds_and_their_outcomes_are_handled(
        self, gateway: SandboxGateway, shop: Shop, handler: RecordingHandler, client: FlaskClient
    ) -> None:
        intent, refund_id = paid_intent(card=FAILING_REFUND_CARD), handler.new_reference("STRIPE")
        made = gateway_client.create_refund(
            refund_id, payment_intent_id=intent, money=Money(1250, "USD"), reason="x"
        )
        for webhook in shop.wait_for(5):
            assert deliver(client, webhook).status_code == 200
        inbox.sweep()

        states = {one.type: service.refund_of(one) for one in handler.handled}
        assert {kind: state.status for kind, state in states.items()} == {
            "refund.created": GatewayRefundStatus.SUCCEEDED,
            "refund.failed": GatewayRefundStatus.FAILED,
            "refund.updated": GatewayRefundStatus.FAILED,
        }
        assert {state.id for state in states.values()} == {made.id}
        assert states["refund.failed"].reason == "expired_or_canceled_card"
        for one in handler.handled:
            assert (one.topic, one.reference) == ("refund", str(refund_id))
            assert (one.amount, one.currency, one.provider_reference) == (1250, "USD", intent)

    def test_a_forged_event_is_refused_and_the_genuine_one_stored(
        self, gateway: SandboxGateway, shop: Shop, handler: RecordingHandler, client: FlaskClient
    ) -> None:
        gateway.set_behaviour(mode="forged")
        paid_intent(handler.new_reference("STRIPE"))
        forged, genuine = shop.wait_for(2)

        assert refusal(deliver(client, forged)) == (401, "INVALID_SIGNATURE")
        assert stored() == 0
        assert deliver(client, genuine).status_code == 200
        inbox.sweep()
        assert [one.amount for one in handler.handled] == [5000]

    def test_a_wrong_amount_is_stored_as_sent(
        self, gateway: SandboxGateway, shop: Shop, handler: RecordingHandler, client: FlaskClient
    ) -> None:
        gateway.set_behaviour(mode="wrong-amount")
        paid_intent(handler.new_reference("STRIPE"))
        deliver(client, *shop.wait_for(1))
        inbox.sweep()
        assert [one.amount for one in handler.handled] == [50_000]


@pytest.mark.usefixtures("two_secrets")
class TestStoredEvents:
    def test_the_body_is_stored_as_signed(
        self, handler: RecordingHandler, client: FlaskClient
    ) -> None:
        event = event_body(
            client_reference_id=str(handler.new_reference("STRIPE")), more={"a": [1, 2.5, None]}
        )
        raw = json.dumps(event, indent=3).encode()
        assert post_webhook(client, raw, signature_header(raw)).status_code == 200
        with transaction() as session:
            (one,) = session.scalars(select(InboundEvent))
        assert one.body.encode() == raw
        assert one.event_id == event["id"]

    @pytest.mark.parametrize(
        "kind",
        ["charge.refunded", "payment_intent.succeeded", "payment.succeeded", "payout.paid", "x"],
    )
    def test_unused_event_types_are_acknowledged_and_dropped(
        self, handler: RecordingHandler, client: FlaskClient, kind: str
    ) -> None:
        assert (
            send_event(
                client, event_body(kind, client_reference_id=str(handler.new_reference("STRIPE")))
            ).status_code
            == 200
        )
        assert stored() == 0

    @pytest.mark.parametrize("reference", [UNKNOWN, None, "order-1", UNKNOWN.upper(), "x" * 5000])
    def test_unknown_references_are_acknowledged_and_dropped(
        self, handler: RecordingHandler, client: FlaskClient, reference: str | None
    ) -> None:
        assert send_event(client, event_body(client_reference_id=reference)).status_code == 200
        assert stored() == 0

    @pytest.mark.parametrize(
        ("kind", "about"),
        [
            ("payment_intent.payment_failed", {"amount": 5000}),
            ("refund.updated", {"amount": 5000, "status": "failed", "metadata": {"x": "y"}}),
            ("refund.updated", {"amount": 5000, "status": "failed", "metadata": None}),
        ],
    )
    def test_malformed_references_are_acknowledged_and_dropped(
        self, handler: RecordingHandler, client: FlaskClient, kind: str, about: dict[str, Any]
    ) -> None:
        assert send_event(client, event_body(kind, **about)).status_code == 200
        assert stored() == 0

    def test_events_without_a_handler_are_acknowledged_and_dropped(
        self, client: FlaskClient
    ) -> None:
        assert send_event(client, event_body()).status_code == 200
        assert stored() == 0

    def test_events_of_the_other_mode_are_ignored(
        self, handler: RecordingHandler, client: FlaskClient, use_gateway: UseGateway
    ) -> None:
        event = event_body(client_reference_id=str(handler.new_reference("STRIPE")))
        assert send_event(client, event | {"livemode": True}).status_code == 200
        use_gateway(GatewayConfig("http://127.0.0.1:1", "sk_live_12345678", (WEBHOOK_SECRET,)))
        assert send_event(client, event).status_code == 200
        assert stored() == 0
        assert send_event(client, event | {"livemode": True}).status_code == 200
        assert stored() == 1

    def test_a_completed_session_without_payment_is_not_paid(
        self, handler: RecordingHandler, client: FlaskClient
    ) -> None:
        about = {"status": "complete", "payment_status": "unpaid"}
        order = str(handler.new_reference("STRIPE"))
        send_event(
            client, event_body("checkout.session.completed", client_reference_id=order, **about)
        )
        inbox.sweep()
        (one,) = handler.handled
        assert service.checkout_session_of(one).status is CheckoutSessionStatus.OPEN

    def test_an_unsupported_currency_is_stored_without_an_amount(
        self, handler: RecordingHandler, client: FlaskClient
    ) -> None:
        send_event(
            client,
            event_body(client_reference_id=str(handler.new_reference("STRIPE")), currency="xyz"),
        )
        inbox.sweep()
        assert [(one.amount, one.currency) for one in handler.handled] == [(None, None)]

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount_total": "5000"},
            {"amount_total": -1},
            {"amount_total": 2**63},
            {"amount_total": None},
            {"currency": None},
            {"currency": "dollars"},
            {"status": "lost"},
            {"payment_status": None},
            {"payment_intent": [1]},
            {"id": None},
            {"metadata": "x"},
        ],
        ids=str,
    )
    def test_an_invalid_object_is_refused(
        self, handler: RecordingHandler, client: FlaskClient, changes: dict[str, Any]
    ) -> None:
        event = event_body(
            **{"client_reference_id": str(handler.new_reference("STRIPE"))} | changes
        )
        answer = send_event(client, event)
        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert stored() == 0

    @pytest.mark.parametrize(
        "changes",
        [
            {"id": None},
            {"id": "evt 1"},
            {"id": "e" * 256},
            {"type": None},
            {"type": ""},
            {"livemode": "perhaps"},
            {"data": {}},
            {"data": {"object": 5}},
            {"data": []},
        ],
        ids=str,
    )
    def test_an_invalid_envelope_is_refused(
        self, client: FlaskClient, changes: dict[str, Any]
    ) -> None:
        assert refusal(send_event(client, event_body() | changes)) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"NaN"])
    def test_a_body_that_is_not_an_event_is_refused(self, client: FlaskClient, raw: bytes) -> None:
        assert post_webhook(client, raw, signature_header(raw)).status_code == 400


@pytest.mark.usefixtures("two_secrets")
class TestMetricsAndLimits:
    def test_every_webhook_is_counted_by_its_outcome(
        self, client: FlaskClient, handler: RecordingHandler, change_settings: Callable[..., None]
    ) -> None:
        change_settings(metrics_token=TOKEN)
        before = counted(client)

        event = event_body(client_reference_id=str(handler.new_reference("STRIPE")))
        send_event(client, event)
        send_event(client, event)
        send_event(client, event_body())
        send_event(client, event_body("charge.refunded"))
        send_event(client, event | {"type": ""})
        send_event(client, event, secret="whsec_of_another_account")
        send_event(client, event, ago=400)
        post_webhook(client, b"{}", None)
        post_webhook(client, b"{}", "x")

        after = counted(client)
        assert {outcome: after[outcome] - before[outcome] for outcome in before} == {
            "stored": 1,
            "repeated": 1,
            "unknown_reference": 1,
            "ignored": 1,
            "refused": 1,
            "forged": 1,
            "stale": 1,
            "missing": 1,
            "malformed": 1,
        }

    @pytest.mark.usefixtures("rate_limited")
    def test_the_rate_limit_is_per_address(self, client: FlaskClient) -> None:
        statuses = {post_webhook(client, b"{}", None).status_code for _ in range(1201)}
        assert statuses == {401, 429}


def counted(client: FlaskClient) -> dict[str, float]:
    return webhooks_by_outcome(client, "gateway")
