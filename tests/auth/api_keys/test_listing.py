"""Listing API keys, and when each was last used."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError

from app.auth.api_keys import service as api_keys
from app.auth.models import ApiKey
from app.auth.scopes import Scope
from app.common import clock, db
from tests import factories
from tests.auth.api_keys.helpers import (
    create_key,
    create_product,
    list_keys,
    revoke,
)
from tests.factories import Actor
from tests.responses import TIME


class TestListing:
    def test_keys_are_listed_newest_first_with_their_state(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        old = create_key(client, shop, name="Old", expiresAt="2031-01-01T00:00:00Z").json
        new = create_key(client, shop, name="New", scopes=["wallet:read"]).json
        factories.api_key(factories.merchant())
        revoke(client, shop, old["id"])

        answer = list_keys(client, shop)

        assert answer["meta"]["total"] == 2
        assert answer["data"][0] == {
            "id": new["id"],
            "name": "New",
            "prefix": new["prefix"],
            "scopes": ["wallet:read"],
            "lastUsedAt": None,
            "createdAt": new["createdAt"],
            "expiresAt": None,
            "revokedAt": None,
        }
        assert answer["data"][1]["id"] == old["id"]
        assert answer["data"][1]["expiresAt"] == "2031-01-01T00:00:00.000Z"
        assert re.fullmatch(TIME, answer["data"][1]["revokedAt"])

    def test_keys_are_paginated(self, client: FlaskClient, shop: Actor) -> None:
        ids = [str(factories.api_key(shop).id) for _ in range(3)]

        first = list_keys(client, shop, limit=2)
        rest = list_keys(client, shop, limit=2, cursor=first["meta"]["nextCursor"])

        assert [key["id"] for key in first["data"] + rest["data"]] == ids[::-1]

    def test_the_last_use_is_recorded_at_most_once_a_minute(
        self, client: FlaskClient, shop: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = factories.api_key(shop)
        start = clock.now().replace(microsecond=0) + timedelta(seconds=1)  # after its creation

        def used(seconds: int) -> Any:
            with monkeypatch.context() as patch:
                patch.setattr(clock, "now", lambda: start + timedelta(seconds=seconds))
                create_product(client, key).close()
            return list_keys(client, shop)["data"][0]["lastUsedAt"]

        def expected(seconds: int) -> str | None:
            return clock.format_timestamp(start + timedelta(seconds=seconds))

        assert [used(0), used(59), used(60), used(119)] == [
            expected(0),
            expected(0),
            expected(60),
            expected(60),
        ]

    def test_a_refused_use_is_recorded_too(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop, Scope.WALLET_READ)

        create_product(client, key).close()

        assert list_keys(client, shop)["data"][0]["lastUsedAt"]

    def test_a_use_that_is_being_recorded_is_not_recorded_twice(self, committing: Flask) -> None:
        key = factories.api_key(factories.merchant())
        with db.transaction() as first_session:
            api_keys.record_use(first_session, key_id=key.id)
            first = first_session.get_one(ApiKey, key.id).last_used_at
            with db.transaction() as other:
                api_keys.record_use(other, key_id=key.id)
        with db.transaction() as session:
            assert session.get_one(ApiKey, key.id).last_used_at == first

    def test_a_use_that_cannot_be_recorded_does_not_fail_the_request(
        self, client: FlaskClient, shop: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise DBAPIError("UPDATE", {}, Exception("gone"))

        monkeypatch.setattr(api_keys, "record_use", fail)
        with create_product(client, factories.api_key(shop)) as answer:
            assert answer.status_code == 201
        assert list_keys(client, shop)["data"][0]["lastUsedAt"] is None
