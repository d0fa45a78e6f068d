"""Messages for other systems: CloudEvents, their JSON Schemas and the AsyncAPI document."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sqlalchemy import select

from app.common.db import transaction
from app.common.tracing import SpanContext
from app.events import async_api, json_schema
from app.events.base import EVENT_TYPES, Event
from app.events.catalogue.wallets import TransactionFailed, TransferCompleted
from app.events.cloud_events import ENVELOPE, CloudEvents
from app.events.messages import (
    DERIVED_TYPES,
    INBOUND_TYPES,
    MESSAGE_TYPES,
    OUTBOUND_TYPES,
    PUBLISHED_EVENTS,
    messages_of,
)
from app.events.models import OutboxEvent
from app.events.sinks import StoredEvent
from tests import factories
from tests.events.generated import stored, stored_events

ID = UUID("019a1b2c-3d4e-7f60-8a9b-0c1d2e3f4a5b")
AT = datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)
SCHEMAS = "https://pay.example.com/api/v1/events/schemas"
CLOUD_EVENTS = CloudEvents("https://pay.example.com", SCHEMAS)

each_message_type = pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
each_event_type = pytest.mark.parametrize("kind", PUBLISHED_EVENTS.values(), ids=PUBLISHED_EVENTS)


#: Building events takes longer than checking them, and each type has few kinds of fields.
few = settings(max_examples=20, deadline=None)


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@cache
def validators(name: str) -> tuple[Draft202012Validator, Draft202012Validator]:
    """Of the envelope, and of the data of a type."""
    return validator(ENVELOPE), validator(json_schema.schema_of(MESSAGE_TYPES[name]))


def require_valid(message: StoredEvent) -> dict[str, Any]:
    """The message as sent, after checking envelope and data."""
    sent: dict[str, Any] = json.loads(CLOUD_EVENTS.serialize(message))
    envelope, data = validators(sent["type"])
    envelope.validate(sent)
    data.validate(sent["data"])
    return sent


def transfer(**values: Any) -> StoredEvent:
    parties = {"aggregate_id": ID, "sender_id": ID, "receiver_id": ID}
    event = TransferCompleted(
        **parties,
        amount=1250,
        currency="USD",
        reference_type=None,
        reference_id=None,
        **values,
    )
    return stored(event, event_id=ID, occurred_at=AT, version=1)


class TestCloudEvents:
    def test_a_message_has_the_attributes_of_cloud_events(self) -> None:
        assert require_valid(transfer()) == {
            "specversion": "1.0",
            "id": str(ID),
            "source": "https://pay.example.com",
            "type": "transfer-completed",
            "subject": f"transfer/{ID}",
            "time": "2026-11-21T09:30:00.123Z",
            "datacontenttype": "application/json",
            "dataschema": f"{SCHEMAS}/transfer-completed?version=1",
            "sequence": "0000000001",
            "data": {
                "senderId": str(ID),
                "receiverId": str(ID),
                "amount": 1250,
                "currency": "USD",
                "referenceType": None,
                "referenceId": None,
            },
        }

    def test_a_traced_message_has_its_trace(self) -> None:
        trace = str(SpanContext(1, 2))
        assert require_valid(replace(transfer(), trace_context=trace))["traceparent"] == trace

    @each_event_type
    def test_events_of_every_type_match_their_schemas(self, kind: type[Event]) -> None:
        @few
        @given(stored_events(kind))
        def check(event: StoredEvent) -> None:
            for message in messages_of(event):
                require_valid(message)

        check()

    @given(st.lists(st.integers(1, 10**10 - 1), min_size=2, max_size=2, unique=True))
    def test_sequences_are_ordered_as_text(self, versions: list[int]) -> None:
        first, second = (
            CLOUD_EVENTS.format(
                StoredEvent(ID, "order-completed", "order", ID, version, 1, {}, AT)
            )["sequence"]
            for version in sorted(versions)
        )

        assert first < second

    def test_what_the_application_records_matches_the_schemas(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer("100.00")
        body = {"productId": str(factories.product(seller)), "paymentMethod": "WALLET"}
        assert client.post("/api/v1/orders", json=body, headers=buyer.headers).status_code == 201
        for amount in ("5.00", "500.00"):
            body = {"recipient": {"userId": str(seller.id)}, "amount": amount}  # type: ignore[dict-item]
            client.post("/api/v1/transfers", json=body, headers=buyer.headers)

        with transaction() as session:
            rows = session.scalars(select(OutboxEvent).order_by(OutboxEvent.sequence)).all()
        types = set()
        for row in rows:
            event = StoredEvent(
                row.id,
                row.type,
                row.aggregate_type,
                row.aggregate_id,
                1,
                1,
                row.data,
                row.occurred_at,
            )
            types |= {require_valid(message)["type"] for message in messages_of(event)}
        assert types >= {
            "account-created",
            "balance-updated",
            "order-completed",
            "transaction-initiated",
            "debit-completed",
            "credit-completed",
            "transaction-completed",
            "transaction-failed",
        }


class TestDerived:
    def test_a_transfer_is_published_as_the_steps_of_a_payment(self) -> None:
        messages = messages_of(transfer())

        assert [message.type for message in messages] == [
            "transaction-initiated",
            "debit-completed",
            "credit-completed",
            "transaction-completed",
            "transfer-completed",
        ]
        assert messages[-1] == transfer()
        assert {(each.aggregate_id, each.version, each.occurred_at) for each in messages} == {
            (ID, 1, AT)
        }

    def test_ids_are_distinct_and_the_same_each_time(self) -> None:
        ids = [message.id for message in messages_of(transfer())]

        assert len(set(ids)) == len(ids)
        assert [message.id for message in messages_of(transfer())] == ids

    def test_a_refused_transfer_is_initiated_and_fails(self) -> None:
        refused = TransactionFailed(
            aggregate_id=ID,
            sender_id=ID,
            receiver_id=None,
            amount=1250,
            currency="USD",
            error="INSUFFICIENT_FUNDS",
        )

        messages = messages_of(stored(refused, event_id=ID, occurred_at=AT, version=1))

        assert [each.type for each in messages] == ["transaction-initiated", "transaction-failed"]
        assert messages[0].data["receiverId"] is None

    def test_every_other_event_is_published_as_it_is(self) -> None:
        order = StoredEvent(ID, "order-completed", "order", ID, 1, 1, {}, AT)

        assert messages_of(order) == [order]

    def test_what_others_have_sent_is_not_published_again(self) -> None:
        assert set(INBOUND_TYPES) == {"notification-request"}
        assert not set(INBOUND_TYPES) & set(OUTBOUND_TYPES)
        assert set(MESSAGE_TYPES) == set(EVENT_TYPES) | set(DERIVED_TYPES)


class TestSchemas:
    @each_message_type
    def test_the_schema_of_every_type_is_served(self, client: FlaskClient, name: str) -> None:
        answer = client.get(f"/api/v1/events/schemas/{name}")

        assert answer.status_code == 200
        assert answer.content_type == "application/schema+json"
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        schema = json.loads(answer.data)
        validator(schema)
        assert schema["title"] == name
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        # Where the document says it is, it is.
        same = client.get(schema["$id"].removeprefix("http://localhost:3000"))
        assert same.data == answer.data

    def test_an_unchanged_schema_is_not_sent_again(self, client: FlaskClient) -> None:
        address = "/api/v1/events/schemas/order-completed"
        etag = client.get(address).headers["ETag"]

        assert client.get(address, headers={"If-None-Match": etag}).status_code == 304

    @pytest.mark.parametrize("address", ["order-lost", "order-completed?version=2"])
    def test_an_unknown_type_or_version_is_not_found(
        self, client: FlaskClient, address: str
    ) -> None:
        answer = client.get(f"/api/v1/events/schemas/{address}")

        assert (answer.status_code, answer.json["error"]) == (404, "EVENT_TYPE_NOT_FOUND")

    def test_the_list_has_every_type_with_its_schema(self, client: FlaskClient) -> None:
        rows = client.get("/api/v1/events/schemas").json["data"]

        assert [row["type"] for row in rows] == sorted(MESSAGE_TYPES)
        assert {
            "type": "debit-completed",
            "aggregate": "transfer",
            "version": 1,
            "description": "The sender's wallet was debited by a transfer.",
            "schemaUrl": "http://localhost:3000/api/v1/events/schemas/debit-completed?version=1",
        } in rows

    def test_optional_and_null_fields(self) -> None:
        schema = json_schema.schema_of(EVENT_TYPES["order-completed"])

        assert schema["properties"]["paymentMethod"]["type"] == "string"
        assert schema["properties"]["reason"]["type"] == ["string", "null"]
        assert {"paymentMethod", "reason"}.isdisjoint(schema["required"])

    def test_a_request_from_another_service_names_the_user(self) -> None:
        schema = json_schema.schema_of(EVENT_TYPES["notification-request"])

        assert schema["required"][0] == "userId"


class TestAsyncApi:
    def test_it_lists_every_topic_with_its_payload(self, client: FlaskClient) -> None:
        document = client.get("/api/asyncapi.json").json

        assert document["asyncapi"] == "3.0.0"
        assert set(document["channels"]) == set(MESSAGE_TYPES)
        assert {name for name, each in document["channels"].items() if each["address"] != name} == (
            set()
        )
        actions = {
            (operation["action"], operation["channel"]["$ref"].rpartition("/")[2])
            for operation in document["operations"].values()
        }
        assert actions == {("send", name) for name in OUTBOUND_TYPES} | {
            ("receive", "notification-request")
        }

    def test_every_reference_leads_somewhere(self) -> None:
        document = async_api.document(schemas=SCHEMAS)

        for reference in references(document):
            node = document
            for part in reference.removeprefix("#/").split("/"):
                node = node[part]
            assert node

    def test_messages_match_their_payloads(self) -> None:
        document = async_api.document(schemas=SCHEMAS)

        for message in messages_of(transfer()):
            payload = document["components"]["messages"][message.type]["payload"]
            sent = json.loads(CLOUD_EVENTS.serialize(message))
            payloads = validator({**payload, "components": document["components"]})
            payloads.validate(sent)
            assert not payloads.is_valid({**sent, "type": "order-completed"})
            assert not payloads.is_valid({**sent, "data": {}})


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [each for part in node.values() for each in references(part)]
    if isinstance(node, list):
        return [each for part in node for each in references(part)]
    return []
