"""Creating API keys, also with two-factor authentication."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.auth.api_keys import service as api_keys
from app.auth.models import Role
from app.auth.scopes import DESCRIPTIONS, Scope
from app.common import clock, db
from tests import factories
from tests.auth.api_keys.helpers import (
    DIGITS,
    KEYS,
    audit_records_of,
    checksum,
    create_key,
    events_of,
    list_keys,
    revoke,
    works,
)
from tests.authenticator import (
    STEP,
    TWO_FACTOR,
    ManualClock,
    begin_setup,
    enable_two_factor,
    request_setup,
)
from tests.factories import Actor
from tests.responses import UUID_TEXT, refusal


class TestCreation:
    def test_the_key_is_shown_once_and_works(self, client: FlaskClient, shop: Actor) -> None:
        answer = create_key(client, shop, scopes=["orders:read", "products:write"])

        assert answer.status_code == 201
        assert answer.headers["Cache-Control"] == "no-store"
        made = answer.json
        assert list(made) == ["id", "name", "key", "prefix", "scopes", "createdAt", "expiresAt"]
        assert re.fullmatch(UUID_TEXT, made["id"])
        assert re.fullmatch("pf_test_[0-9A-Za-z]{49}", made["key"])
        assert made["key"].startswith(made["prefix"])
        assert len(made["prefix"]) == len("pf_test_") + 6
        assert made["scopes"] == ["products:write", "orders:read"]
        assert (made["name"], made["expiresAt"]) == ("Shop server", None)
        assert works(client, made["key"])
        assert made["key"] not in client.get(KEYS, headers=shop.headers).text

    def test_the_last_six_characters_are_the_checksum(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        key = create_key(client, shop).json["key"]

        assert key[-6:] == checksum(key[:-6])

    def test_keys_are_unique_and_use_the_whole_alphabet(self) -> None:
        keys = [api_keys.generate_key(live=True) for _ in range(300)]

        assert len(set(keys)) == 300
        assert set("".join(key.removeprefix("pf_live_") for key in keys)) == set(DIGITS)

    def test_only_the_hash_of_a_key_is_stored(self, client: FlaskClient, shop: Actor) -> None:
        made = create_key(client, shop, code=None).json

        secret = made["key"][len(made["prefix"]) :]
        with db.transaction() as session:
            tables = session.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ).all()
            for table in tables:
                rows = session.scalars(text(f"SELECT t::text FROM {table} t")).all()
                assert not any(secret in row or secret.encode().hex() in row for row in rows)
        assert {"api_keys", "outbox_events", "audit_log", "idempotency_keys"} <= set(tables)

    def test_the_creation_is_recorded_as_an_event_and_audited(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        made = create_key(client, shop, expiresAt="2031-01-01").json

        about = {
            "name": "Shop server",
            "prefix": made["prefix"],
            "scopes": ["products:write"],
            "expiresAt": "2031-01-01T00:00:00.000Z",
        }
        assert events_of(made["id"]) == [("api-key-created", {"userId": str(shop.id)} | about)]
        assert audit_records_of(made["id"]) == [("api-key.create", shop.id, about)]

    def test_the_password_is_required(self, client: FlaskClient, shop: Actor) -> None:
        answer = create_key(client, shop, password="correct-horse-2")

        assert refusal(answer) == (401, "INVALID_CREDENTIALS")
        assert list_keys(client, shop)["data"] == []

    def test_guessing_the_password_is_limited(self, rate_limited: Flask) -> None:
        client, shop = rate_limited.test_client(), factories.merchant()

        answers = [create_key(client, shop, password="wrong-password") for _ in range(11)]

        assert [answer.status_code for answer in answers] == [401] * 10 + [429]

    @pytest.mark.parametrize("role", [Role.USER, Role.ADMIN])
    def test_only_merchants_can_create_keys(self, client: FlaskClient, role: Role) -> None:
        assert refusal(create_key(client, factories.actor(role))) == (403, "FORBIDDEN")

    def test_a_repeated_scope_is_granted_once(self, client: FlaskClient, shop: Actor) -> None:
        answer = create_key(client, shop, scopes=["wallet:read", "wallet:read"])

        assert answer.json["scopes"] == ["wallet:read"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "  "),
            ("name", "n" * 101),
            ("name", None),
            ("scopes", []),
            ("scopes", None),
            ("scopes", "products:write"),
            ("scopes", ["products:write", "everything"]),
            ("scopes", ["*"]),
            ("scopes", [None]),
            ("scopes", ["products:write"] * (len(Scope) + 1)),
            ("expiresAt", "2020-01-01T00:00:00Z"),
            ("expiresAt", "tomorrow"),
            ("expiresAt", "9999-12-31T23:59:59-23:00"),
            ("password", None),
            ("code", "12"),
            ("role", "ADMIN"),
        ],
    )
    def test_an_invalid_field_is_refused_and_named(
        self, client: FlaskClient, shop: Actor, field: str, value: Any
    ) -> None:
        answer = create_key(client, shop, **{field: value})

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_a_merchant_has_at_most_twenty_active_keys(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        soon = clock.now() + timedelta(minutes=1)
        first = factories.api_key(shop)
        factories.api_key(shop, expires_at=soon)
        for _ in range(18):
            factories.api_key(shop)

        answer = create_key(client, shop)
        assert refusal(answer) == (403, "QUOTA_EXCEEDED")
        assert answer.json["details"] == {
            "quota": "API_KEYS",
            "used": 20,
            "requested": 1,
            "maximum": 20,
        }

        revoke(client, shop, first.id)
        assert create_key(client, shop).status_code == 201
        assert refusal(create_key(client, shop)) == (403, "QUOTA_EXCEEDED")
        with mock.patch("app.common.clock.now", return_value=soon):
            factories.api_key(shop)
        assert create_key(client, factories.merchant()).status_code == 201


class TestTwoFactor:
    def test_with_two_factor_enabled_a_code_is_required(
        self, client: FlaskClient, shop: Actor, totp_clock: ManualClock
    ) -> None:
        app = enable_two_factor(client, shop, totp_clock)

        assert refusal(create_key(client, shop)) == (403, "TWO_FACTOR_REQUIRED")
        wrong = create_key(client, shop, code=app.wrong_code())
        assert refusal(wrong) == (400, "TWO_FACTOR_CODE_WRONG")
        assert list_keys(client, shop)["data"] == []
        code = app.code()
        assert create_key(client, shop, code=code).status_code == 201
        assert refusal(create_key(client, shop, code=code)) == (400, "TWO_FACTOR_CODE_WRONG")
        assert create_key(client, shop, code=app.recovery_codes[0]).status_code == 201

    def test_a_refused_creation_does_not_use_the_code(
        self, client: FlaskClient, shop: Actor, totp_clock: ManualClock
    ) -> None:
        app = enable_two_factor(client, shop, totp_clock)
        code = app.code()

        assert create_key(client, shop, code=code, expiresAt="2020-01-01").status_code == 400
        assert create_key(client, shop, code=code).status_code == 201

    def test_while_two_factor_is_pending_no_code_is_required(
        self, client: FlaskClient, shop: Actor, totp_clock: ManualClock
    ) -> None:
        begin_setup(client, shop, totp_clock)

        assert create_key(client, shop).status_code == 201

    def test_guesses_of_codes_are_limited_together_with_the_other_endpoints(
        self, rate_limited: Flask, totp_clock: ManualClock
    ) -> None:
        client, shop = rate_limited.test_client(), factories.merchant()
        request_setup(client, shop)
        confirm = f"{TWO_FACTOR}/confirm"
        for _ in range(4):
            client.post(confirm, json={"code": "000000"}, headers=shop.headers)

        statuses = [create_key(client, shop, code="000000").status_code for _ in range(2)]

        assert statuses == [201, 429]
        assert create_key(client, shop).status_code == 201

    def test_a_scope_does_not_replace_the_code(
        self,
        client: FlaskClient,
        totp_clock: ManualClock,
        change_settings: Callable[..., None],
    ) -> None:
        change_settings(two_factor_above=Decimal("50"))
        shop = factories.actor(Role.MERCHANT, balance="500.00")
        app = enable_two_factor(client, shop, totp_clock)
        key = factories.api_key(shop, Scope.PAYOUTS_WRITE)

        def withdraw(amount: str, **headers: str) -> TestResponse:
            return client.post(
                "/api/v1/wallet/withdraw", json={"amount": amount}, headers=key.headers | headers
            )

        assert withdraw("50.00").status_code == 200
        assert refusal(withdraw("50.01")) == (403, "TWO_FACTOR_REQUIRED")
        totp_clock.advance(STEP)
        assert withdraw("50.01", **{"X-Two-Factor-Code": app.code()}).status_code == 200


def test_the_openapi_document_explains_every_scope(client: FlaskClient) -> None:
    schemas = client.get("/api/openapi.json").json["components"]["schemas"]

    described = schemas["CreateApiKey"]["properties"]["scopes"]["description"]
    assert all(f"* `{scope}`: {DESCRIPTIONS[scope]}" in described for scope in Scope)
