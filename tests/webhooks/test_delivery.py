"""Delivery to endpoints: signatures, attempts, order and what disables an endpoint."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask.testing import FlaskClient

from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.webhooks.dispatch import service
from app.webhooks.dispatch.service import MAX_ATTEMPTS, MAX_WAITS
from tests import factories
from tests.delivery.licences.helpers import events_of
from tests.factories import Actor
from tests.orders.helpers import buy
from tests.orders.refunds.helpers import refund
from tests.webhooks.helpers import (
    attempts_of,
    create,
    deliver,
    deliveries_of,
    endpoint_row,
    later,
    occurred,
    relay_outbox,
    send,
    shown,
)
from tests.webhooks.receiver import Received, Receiver


def verify_v1a(request: Received, key: str) -> None:
    """Raises InvalidSignature unless one of the signatures is of that public key."""
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    signed = f"{request.message_id}.{request.headers['webhook-timestamp']}.".encode() + request.body
    for word in request.headers["webhook-signature"].split(" "):
        version, _, signature = word.partition(",")
        if version == "v1a":
            public.verify(base64.b64decode(signature), signed)
            return
    raise InvalidSignature


class TestMessages:
    def test_a_purchase_and_its_refund_arrive_signed_in_order(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        endpoint = create(client, seller, f"{receiver.url}/hooks?shop=1")
        order = buy(client, factories.buyer(), factories.product(seller, price="12.50")).json
        refund(client, seller, order["id"])
        events = relay_outbox()

        deliver()

        bodies = [request.verified(endpoint["secret"]) for request in receiver.received]
        assert [body["type"] for body in bodies] == ["order-completed", "order-refunded"]
        assert receiver.ids == [str(event.id) for event in events]
        assert receiver.received[0].path == "/hooks?shop=1"
        assert bodies[0].keys() == {"type", "timestamp", "data"}
        data = bodies[0]["data"]
        assert (data["id"], data["number"]) == (order["id"], order["number"])
        assert (data["amount"], data["fee"], data["currency"]) == ("12.50", "0.00", "USD")
        assert bodies[1]["data"]["amount"] == "12.50"

    def test_the_ed25519_signature_is_of_the_published_key_of_the_endpoint(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        endpoint, other = (create(client, seller, receiver.url) for _ in range(2))
        send(client, seller, "DELETE", f"/{other['id']}")
        occurred(seller)
        deliver()

        (request,) = receiver.received
        published = client.get(f"/.well-known/webhook-keys/{endpoint['id']}").json["keys"]
        assert published == endpoint["publicKeys"]
        verify_v1a(request, published[0])
        with pytest.raises(InvalidSignature):
            verify_v1a(request, other["publicKeys"][0])
        gone = client.get(f"/.well-known/webhook-keys/{other['id']}")
        assert gone.status_code == 404

    def test_every_delivery_during_a_rotation_is_accepted_with_both_secrets(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        path = f"/{endpoint['id']}/rotate-secret"
        rotated = send(client, seller, "POST", path, {"overlapDays": 1}).json
        occurred(seller)
        deliver()
        (during,) = receiver.received
        for secret in (endpoint["secret"], rotated["secret"]):
            assert during.verified(secret)["type"] == "giveaway-created"

        send(client, seller, "POST", path, {"overlapDays": 0})
        occurred(seller)
        deliver()
        after = receiver.received[-1]
        versions = [word.split(",")[0] for word in after.headers["webhook-signature"].split()]
        assert versions == ["v1", "v1a"]
        assert rotated["previousExpiresAt"] > clock.format_timestamp(clock.now())

    def test_an_old_secret_ends_with_the_overlap(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        path = f"/{endpoint['id']}/rotate-secret"
        for _ in range(4):
            assert send(client, seller, "POST", path, {"overlapDays": 7}).status_code == 200
        refused = send(client, seller, "POST", path, {"overlapDays": 7})
        assert (refused.status_code, refused.json["error"]) == (409, "TOO_MANY_WEBHOOK_SECRETS")
        later(monkeypatch, days=7, seconds=1)
        occurred(seller)
        deliver()
        assert receiver.received[0].headers["webhook-signature"].count("v1,") == 1

    def test_a_thin_endpoint_receives_the_id_only(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        create(client, seller, receiver.url, isThin=True)
        (event,) = occurred(seller)
        deliver()
        body = json.loads(receiver.received[0].body)
        assert body["data"] == {"id": str(event.aggregate_id)}

    def test_a_large_body_is_sent_thin(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        create(client, seller, receiver.url)
        occurred(seller, name="x" * 19_950)
        occurred(seller, name="é" * 9_900)
        deliver()
        assert [len(json.loads(one.body)["data"]) for one in receiver.received] == [1, 3]
        assert all(len(request.body) < 20_000 for request in receiver.received)

    def test_only_wanted_events_of_the_merchant_are_sent(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        create(client, seller, receiver.url, eventTypes=["giveaway-closed"])
        occurred(factories.merchant(), event_type="giveaway-closed")
        occurred(seller)
        (wanted,) = occurred(seller, event_type="giveaway-closed")
        deliver()
        assert receiver.ids == [str(wanted.id)]

    def test_an_event_that_is_handled_twice_is_sent_once(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        create(client, seller, receiver.url)
        buy(client, factories.buyer(), factories.product(seller))
        relay_outbox()
        relay_outbox()
        deliver()
        assert len(receiver.received) == 1


class TestAttempts:
    def test_attempts_are_logged_and_end_after_three_days(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        receiver.always = (500, {}, b"out of order\0")
        begun = clock.now()
        occurred(seller)
        waits = []
        for number in range(MAX_ATTEMPTS):
            deliver()
            (delivery,) = deliveries_of(client, seller, endpoint)
            assert delivery["attempts"] == number + 1 == len(receiver.received)
            if delivery["nextAttemptAt"]:
                assert delivery["status"] == "WAITING"
                with transaction() as session:
                    endpoint_row(session, endpoint).paused_until = None
                waits.append(MAX_WAITS[number])
                later(monkeypatch, seconds=MAX_WAITS[number].total_seconds() + 1)

        assert delivery["status"] == "FAILED"
        assert timedelta(days=2, hours=23) < sum(waits, timedelta(0)) <= timedelta(days=3)
        assert clock.now() - begun < timedelta(days=3, minutes=1)
        attempts = attempts_of(client, seller, endpoint, delivery)
        assert [attempt["statusCode"] for attempt in attempts] == [500] * MAX_ATTEMPTS
        assert attempts[0]["error"] == "Answered with 500."
        assert attempts[0]["excerpt"] == "out of order�"
        assert attempts[0]["duration"] >= 0
        assert len(set(receiver.ids)) == 1
        later(monkeypatch, days=1)
        deliver()
        assert len(receiver.received) == MAX_ATTEMPTS

    def test_waits_are_anywhere_below_their_maximum(self) -> None:
        waits = [service._WAITS.delay(2) for _ in range(500)]
        assert min(waits) < MAX_WAITS[2] * 0.1
        assert MAX_WAITS[2] * 0.9 < max(waits) <= MAX_WAITS[2]

    def test_each_attempt_has_a_new_timestamp(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        create(client, seller, receiver.url)
        receiver.answers.append(503)
        occurred(seller)
        deliver()
        later(monkeypatch, minutes=2)
        deliver()
        first, second = receiver.received
        assert first.message_id == second.message_id
        assert first.body == second.body
        seconds = [int(one.headers["webhook-timestamp"]) for one in (first, second)]
        assert seconds[1] - seconds[0] >= 120

    def test_retry_after_is_honoured(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        receiver.answers.append((429, {"Retry-After": "600"}, b""))
        begun = later(monkeypatch, seconds=0)
        occurred(seller)
        deliver()
        (delivery,) = deliveries_of(client, seller, endpoint)
        assert delivery["nextAttemptAt"] >= clock.format_timestamp(begun + timedelta(seconds=600))
        occurred(seller)  # the endpoint asked to be left alone
        deliver()
        assert len(receiver.received) == 1
        later(monkeypatch, seconds=601)
        deliver()
        assert len(receiver.received) == 3

    def test_a_redirect_is_not_followed(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        receiver.answers.append((302, {"Location": f"{receiver.url}/elsewhere"}, b""))
        occurred(seller)
        deliver()
        assert [request.path for request in receiver.received] == ["/"]
        (delivery,) = deliveries_of(client, seller, endpoint)
        (attempt,) = attempts_of(client, seller, endpoint, delivery)
        assert attempt["error"] == "Redirected with 302, which is not followed."

    def test_a_killed_process_loses_nothing(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        create(client, seller, receiver.url)
        occurred(seller)
        with transaction() as session:  # and never records an outcome
            assert len(service.advance(session, outcomes=[], room=5, unproven_room=5)) == 1
        deliver()
        assert receiver.received == []
        later(monkeypatch, seconds=service.LEASE.total_seconds() + 1)
        deliver()
        assert len(receiver.received) == 1


class TestOrder:
    def test_a_failing_event_holds_back_its_successors_and_nobody_else(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        receiver.answers.append(500)
        order, other = new_id(), new_id()
        events = occurred(seller, order, order, order, other)
        deliver()
        statuses = [one["status"] for one in deliveries_of(client, seller, endpoint)]
        assert statuses == ["WAITING", "HELD", "HELD", "DELIVERED"]
        late = occurred(seller, order)
        deliver()
        later(monkeypatch, minutes=2)
        deliver()
        ids = [str(event.id) for event in [events[0], events[3], *events[:3], *late]]
        assert receiver.ids == ids

    def test_an_exhausted_event_lets_its_successors_pass(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        order = new_id()
        events = occurred(seller, order, order)
        receiver.answers.extend([500] * MAX_ATTEMPTS)
        for wait in (*MAX_WAITS, MAX_WAITS[0]):
            deliver()
            with transaction() as session:
                endpoint_row(session, endpoint).paused_until = None
            later(monkeypatch, seconds=wait.total_seconds() + 1)
        deliver()
        statuses = [one["status"] for one in deliveries_of(client, seller, endpoint)]
        assert statuses == ["FAILED", "DELIVERED"]
        assert receiver.ids[-1] == str(events[1].id)


class TestDisabling:
    def test_410_disables_and_tells(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        receiver.answers.append(410)
        occurred(seller)
        deliver()
        found = shown(client, seller, endpoint)
        assert (found["status"], found["disabledBecause"]) == ("DISABLED", "GONE")
        (told,) = events_of("webhook-endpoint-disabled")
        assert told == {
            "merchantId": str(seller.id),
            "url": receiver.url,
            "because": "GONE",
        }
        occurred(seller)
        deliver()
        statuses = [one["status"] for one in deliveries_of(client, seller, endpoint)]
        assert statuses == ["FAILED", "SKIPPED"]

    def test_five_days_of_failures_disable_and_what_waits_is_skipped(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        receiver.always = 500
        order = new_id()
        for _ in range(6):
            occurred(seller, order)
            deliver()
            later(monkeypatch, days=1)
        deliver()
        assert shown(client, seller, endpoint)["disabledBecause"] == "FAILING"
        later(monkeypatch, days=2)
        for _ in range(6):  # one after another, as they are in order
            deliver()
        statuses = {one["status"] for one in deliveries_of(client, seller, endpoint)}
        assert statuses == {"SKIPPED"}
        assert len(events_of("webhook-endpoint-disabled")) == 1

        receiver.always = 200
        enabled = send(client, seller, "PATCH", f"/{endpoint['id']}", {"status": "ENABLED"}).json
        assert (enabled["status"], enabled["failures"]) == ("ENABLED", 0)
        occurred(seller)
        deliver()
        assert deliveries_of(client, seller, endpoint)[-1]["status"] == "DELIVERED"

    def test_failures_of_different_months_do_not_disable(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        receiver.always = 500
        for _ in range(2):
            occurred(seller)
            deliver()
            later(monkeypatch, days=30)
        found = shown(client, seller, endpoint)
        assert (found["status"], found["failures"]) == ("ENABLED", 2)

    def test_an_endpoint_that_keeps_failing_pauses_and_one_that_recovers_does_not(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        receiver.answers.extend([500] * 3)
        for _ in range(10):
            occurred(seller)
        deliver()
        assert len(receiver.received) == 3
        assert shown(client, seller, endpoint)["pausedUntil"] is not None
        later(monkeypatch, seconds=70)
        deliver()
        assert {one["status"] for one in deliveries_of(client, seller, endpoint)} == {"DELIVERED"}
        assert shown(client, seller, endpoint)["pausedUntil"] is None

    def test_nothing_is_sent_to_a_deleted_endpoint(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        occurred(seller)
        send(client, seller, "DELETE", f"/{endpoint['id']}")
        occurred(seller)
        deliver()
        assert receiver.received == []
        assert send(client, seller, "GET", f"/{endpoint['id']}").status_code == 404
