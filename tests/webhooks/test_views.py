"""Endpoints of merchants: what they can create, change and see."""

import json
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.webhooks import replays, tasks
from app.webhooks.dispatch.service import MAX_WAITS
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.responses import error_body, refusal
from tests.webhooks.helpers import (
    API,
    attempts_of,
    create,
    deliver,
    deliveries_of,
    endpoint_row,
    later,
    occurred,
    send,
    shown,
)
from tests.webhooks.receiver import Receiver

URL = "http://127.0.0.1:9/hooks"


def replay(
    client: FlaskClient, seller: Actor, endpoint: dict[str, Any], **body: Any
) -> dict[str, Any]:
    """A new replay, whose job has run."""
    answer = send(client, seller, "POST", f"/{endpoint['id']}/replays", body)
    assert answer.status_code == 201, answer.text
    tasks.sweep()
    for replay_id in _open():
        tasks.queue_replay(replay_id)
    made: dict[str, Any] = answer.json
    return made


def _open() -> Any:
    with transaction() as session:
        return replays.list_open(session)


def progress(
    client: FlaskClient, seller: Actor, endpoint: dict[str, Any], made: dict[str, Any]
) -> dict[str, Any]:
    answer = send(client, seller, "GET", f"/{endpoint['id']}/replays/{made['id']}")
    found: dict[str, Any] = answer.json
    return {name: found[name] for name in ("status", "total", "waiting", "delivered", "failed")}


class TestEndpoints:
    def test_the_secret_is_shown_once(self, client: FlaskClient, seller: Actor) -> None:
        made = create(client, seller, URL, description="Shop", eventTypes=["order-completed"])
        secret = made.pop("secret")
        assert secret.startswith("whsec_")
        assert shown(client, seller, made) == made
        assert secret not in client.get(API, headers=seller.headers).text
        assert made["status"] == "ENABLED"
        assert (made["apiVersion"], made["isThin"]) == ("v1", False)

    def test_changes(self, client: FlaskClient, seller: Actor) -> None:
        made = create(client, seller, URL, eventTypes=["order-completed"])
        path = f"/{made['id']}"
        changes = {"url": f"{URL}/2", "description": "Server", "eventTypes": None, "isThin": True}
        answer = send(client, seller, "PATCH", path, changes)
        assert answer.status_code == 200
        assert {name: answer.json[name] for name in changes} == changes
        disabled = send(client, seller, "PATCH", path, {"status": "DISABLED"}).json
        assert (disabled["status"], disabled["disabledBecause"]) == ("DISABLED", "MERCHANT")
        assert refusal(send(client, seller, "POST", f"{path}/ping")) == (
            *(409, "WEBHOOK_ENDPOINT_INACTIVE"),
        )
        enabled = send(client, seller, "PATCH", path, {"status": "ENABLED"}).json
        assert (enabled["status"], enabled["disabledAt"]) == ("ENABLED", None)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"url": URL, "eventTypes": []},
            {"url": URL, "eventTypes": ["balance-updated"]},
            {"url": URL, "apiVersion": "v2"},
            {"url": URL, "description": "x" * 201},
        ],
    )
    def test_invalid_fields_are_refused(
        self, client: FlaskClient, seller: Actor, body: dict[str, Any]
    ) -> None:
        answer = client.post(API, json=body, headers=seller.headers)
        assert refusal(answer) == (400, "VALIDATION_ERROR")

    def test_others_see_nothing(self, client: FlaskClient, seller: Actor) -> None:
        made = create(client, seller, URL)
        other = factories.merchant()
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"isThin": True}),
            ("DELETE", "", None),
            ("GET", "/deliveries", None),
            ("POST", "/ping", None),
            ("POST", "/rotate-secret", {"overlapDays": 0}),
            ("POST", "/replays", {"from": "2026-01-01"}),
            ("GET", "/replays", None),
        ):
            answer = send(client, other, method, f"/{made['id']}{path}", body)
            assert refusal(answer) == (404, "WEBHOOK_ENDPOINT_NOT_FOUND")
        assert client.get(API, headers=other.headers).json["data"] == []

    @pytest.mark.parametrize("days", [-1, 8, "1", None])
    def test_an_overlap_is_of_0_to_7_days(
        self, client: FlaskClient, seller: Actor, days: Any
    ) -> None:
        made = create(client, seller, URL)
        answer = send(client, seller, "POST", f"/{made['id']}/rotate-secret", {"overlapDays": days})
        assert refusal(answer) == (400, "VALIDATION_ERROR")


class TestPing:
    def test_a_ping_is_delivered_and_its_answer_is_shown(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        endpoint = create(client, seller, receiver.url, eventTypes=["order-completed"])
        receiver.answers.append((201, {}, b"hello"))
        answer = send(client, seller, "POST", f"/{endpoint['id']}/ping")
        assert (answer.status_code, answer.json["status"]) == (202, "WAITING")
        deliver()
        body = receiver.received[0].verified(endpoint["secret"])
        assert (body["type"], body["data"]) == ("ping", {"id": endpoint["id"]})
        path = f"/{endpoint['id']}/deliveries/{answer.json['id']}"
        found = send(client, seller, "GET", path).json
        assert (found["status"], found["type"]) == ("DELIVERED", "ping")
        assert found["body"].encode() == receiver.received[0].body
        (attempt,) = attempts_of(client, seller, endpoint, found)
        assert (attempt["statusCode"], attempt["error"], attempt["excerpt"]) == (201, None, "hello")


class TestDeliveries:
    def test_those_of_one_object(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        order, other = new_id(), new_id()
        occurred(seller, order, other, order)
        found = deliveries_of(client, seller, endpoint, f"&objectId={order}")
        assert [
            UUID(json.loads(body(client, seller, endpoint, each))["data"]["id"]) for each in found
        ] == [
            order,
            order,
        ]
        assert deliveries_of(client, seller, endpoint, f"&objectId={order}&status=FAILED") == []
        assert deliveries_of(client, seller, endpoint, f"&objectId={new_id()}") == []


def body(
    client: FlaskClient, seller: Actor, endpoint: dict[str, Any], delivery: dict[str, Any]
) -> str:
    path = f"/{endpoint['id']}/deliveries/{delivery['id']}"
    found: str = send(client, seller, "GET", path).json["body"]
    return found


class TestReplay:
    def test_one_delivery_again_with_the_same_id_and_a_new_timestamp(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        occurred(seller)
        deliver()
        later(monkeypatch, hours=1)
        (delivery,) = deliveries_of(client, seller, endpoint)
        made = replay(client, seller, endpoint, deliveryIds=[delivery["id"]])
        before = {"status": "RUNNING", "total": 1, "waiting": 1, "delivered": 0, "failed": 0}
        assert progress(client, seller, endpoint, made) == before
        deliver()
        after = {"status": "COMPLETED", "total": 1, "waiting": 0, "delivered": 1, "failed": 0}
        assert progress(client, seller, endpoint, made) == after
        first, second = receiver.received
        assert (first.message_id, first.body) == (second.message_id, second.body)
        seconds = [int(one.headers["webhook-timestamp"]) for one in (first, second)]
        assert seconds[1] - seconds[0] >= 3600
        assert len(attempts_of(client, seller, endpoint, delivery)) == 2

    def test_a_period_in_parts_with_progress(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(replays, "_BATCH_SIZE", 3)
        endpoint = create(client, seller, receiver.url)
        path = f"/{endpoint['id']}"
        occurred(seller)
        deliver()
        since = later(monkeypatch, hours=1)
        send(client, seller, "PATCH", path, {"status": "DISABLED"})
        missed = occurred(seller, *(new_id() for _ in range(7)))
        until = later(monkeypatch, hours=1)
        send(client, seller, "PATCH", path, {"status": "ENABLED"})
        occurred(seller)
        deliver()
        del receiver.received[:]
        period = {"from": clock.format_timestamp(since), "to": clock.format_timestamp(until)}

        made = replay(client, seller, endpoint, status="SKIPPED", **period)
        receiver.answers.append(500)
        deliver()
        found = progress(client, seller, endpoint, made)
        assert found == {"status": "RUNNING", "total": 7, "waiting": 1, "delivered": 6, "failed": 0}
        later(monkeypatch, minutes=2)
        deliver()
        assert progress(client, seller, endpoint, made)["status"] == "COMPLETED"
        assert sorted({*receiver.ids}) == [str(event.id) for event in missed]
        assert [
            one["id"] for one in send(client, seller, "GET", f"{path}/replays").json["data"]
        ] == [made["id"]]

    def test_a_failed_delivery_starts_anew(
        self, client: FlaskClient, seller: Actor, receiver: Receiver, monkeypatch: Any
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        receiver.always = 500
        occurred(seller)
        for wait in (*MAX_WAITS, MAX_WAITS[0]):
            deliver()
            with transaction() as session:
                endpoint_row(session, endpoint).paused_until = None
            later(monkeypatch, seconds=wait.total_seconds())
        receiver.always = 200
        (failed,) = deliveries_of(client, seller, endpoint, "&status=FAILED")
        replay(client, seller, endpoint, deliveryIds=[failed["id"]])
        deliver()
        (delivered,) = deliveries_of(client, seller, endpoint)
        assert (delivered["status"], delivered["attempts"]) == ("DELIVERED", 1)

    def test_what_waits_is_attempted_immediately(
        self, client: FlaskClient, seller: Actor, receiver: Receiver
    ) -> None:
        endpoint = create(client, seller, receiver.url)
        receiver.answers.append((503, {"Retry-After": "3600"}, b""))
        occurred(seller)
        deliver()
        (delivery,) = deliveries_of(client, seller, endpoint)
        replay(client, seller, endpoint, deliveryIds=[delivery["id"]])
        deliver()
        assert len(receiver.received) == 2

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({}, (400, "VALIDATION_ERROR")),
            ({"deliveryIds": []}, (400, "VALIDATION_ERROR")),
            ({"from": "2026-01-02", "to": "2026-01-01"}, (400, "VALIDATION_ERROR")),
            ({"from": "2036-01-02"}, (400, "VALIDATION_ERROR")),
            ({"deliveryIds": [str(new_id())]}, (404, "WEBHOOK_DELIVERY_NOT_FOUND")),
        ],
    )
    def test_an_invalid_replay_is_refused(
        self, client: FlaskClient, seller: Actor, body: dict[str, Any], expected: tuple[int, str]
    ) -> None:
        endpoint = create(client, seller, URL)
        answer = send(client, seller, "POST", f"/{endpoint['id']}/replays", body)
        assert refusal(answer) == expected
        assert error_body(answer)

    def test_one_period_at_a_time(self, client: FlaskClient, seller: Actor) -> None:
        endpoint = create(client, seller, URL)
        path = f"/{endpoint['id']}/replays"
        assert send(client, seller, "POST", path, {"from": "2026-01-01"}).status_code == 201
        again = send(client, seller, "POST", path, {"from": "2026-01-01"})
        assert refusal(again) == (409, "WEBHOOK_REPLAY_RUNNING")
        assert broken_invariants() == []
