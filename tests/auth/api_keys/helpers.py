"""Requests to the endpoints of API keys, and requests authenticated by a key."""

import zlib
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.audit.models import AuditRecord
from app.common import db
from app.events.models import OutboxEvent
from tests.auth.helpers import bearer
from tests.factories import PASSWORD, Actor, Key

KEYS = "/api/v1/auth/api-keys"

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def create_key(client: FlaskClient, by: Actor, **fields: Any) -> TestResponse:
    body = {"name": "Shop server", "scopes": ["products:write"], "password": PASSWORD} | fields
    return client.post(KEYS, json=body, headers=by.headers)


def list_keys(client: FlaskClient, by: Actor, **query: Any) -> Any:
    return client.get(KEYS, headers=by.headers, query_string=query).json


def revoke(client: FlaskClient, by: Actor, key_id: Any) -> TestResponse:
    return client.delete(f"{KEYS}/{key_id}", headers=by.headers)


def create_product(client: FlaskClient, key: Key | str) -> TestResponse:
    body = {"name": "Course", "price": "5.00", "availableUnits": 1}
    headers = key.headers if isinstance(key, Key) else bearer(key)
    return client.post("/api/v1/products", json=body, headers=headers)


def works(client: FlaskClient, key: Key | str) -> bool:
    """Whether a request with the key succeeds."""
    status = create_product(client, key).status_code
    assert status in (201, 401)
    return status == 201


def checksum(start: str) -> str:
    """The last six characters of a key, computed as documented in docs/api-keys.md."""
    number = zlib.crc32(start.encode())
    return "".join(DIGITS[number // 62**place % 62] for place in range(5, -1, -1))


def events_of(key_id: Any) -> list[tuple[str, dict[str, Any]]]:
    with db.transaction() as session:
        rows = session.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.aggregate_type == "api_key")
            .where(OutboxEvent.aggregate_id == key_id)
            .order_by(OutboxEvent.sequence)
        )
        return [(row.type, row.data) for row in rows]


def audit_records_of(key_id: Any) -> list[tuple[str, Any, dict[str, Any]]]:
    with db.transaction() as session:
        rows = session.scalars(
            select(AuditRecord).where(AuditRecord.target_id == key_id).order_by(AuditRecord.id)
        )
        return [(row.action, row.actor_id, row.details) for row in rows]
