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
from tests.answers import TIME
from tests.auth.api_keys.helpers import (
    ask_for_key,
    listed,
    put_on_sale,
    revoke,
)
from tests.factories import Actor


class TestListing:
    def test_all_are_listed_newest_first_with_what_became_of_them(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        old = ask_for_key(client, shop, name="Old", expiresAt="2031-01-01T00:00:00Z").json
        new = ask_for_key(client, shop, name="New", scopes=["wallet:read"]).json
        factories.api_key(factories.merchant())
        revoke(client, shop, old["id"])

        answer = listed(client, shop)

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

    def test_it_comes_in_pages(self, client: FlaskClient, shop: Actor) -> None:
        ids = [str(factories.api_key(shop).id) for _ in range(3)]

        first = listed(client, shop, limit=2)
        rest = listed(client, shop, limit=2, cursor=first["meta"]["nextCursor"])

        assert [key["id"] for key in first["data"] + rest["data"]] == ids[::-1]

    def test_the_use_is_noted_at_most_once_a_minute(
        self, client: FlaskClient, shop: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = factories.api_key(shop)
        start = clock.now().replace(microsecond=0)

        def used(seconds: int) -> Any:
            with monkeypatch.context() as patch:
                patch.setattr(clock, "now", lambda: start + timedelta(seconds=seconds))
                put_on_sale(client, key).close()
            return listed(client, shop)["data"][0]["lastUsedAt"]

        def wire(seconds: int) -> str | None:
            return clock.to_wire(start + timedelta(seconds=seconds))

        assert [used(0), used(59), used(60), used(119)] == [wire(0), wire(0), wire(60), wire(60)]

    def test_a_use_that_is_refused_is_noted_too(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop, Scope.WALLET_READ)

        put_on_sale(client, key).close()

        assert listed(client, shop)["data"][0]["lastUsedAt"]

    def test_whoever_finds_another_noting_it_leaves_it_to_them(self, committing: Flask) -> None:
        key = factories.api_key(factories.merchant())
        with db.transaction() as noting:
            api_keys.note_use(noting, key_id=key.id)
            first = noting.get_one(ApiKey, key.id).last_used_at
            with db.transaction() as other:
                api_keys.note_use(other, key_id=key.id)
        with db.transaction() as session:
            assert session.get_one(ApiKey, key.id).last_used_at == first

    def test_a_database_that_is_away_then_costs_nobody_their_answer(
        self, client: FlaskClient, shop: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise DBAPIError("UPDATE", {}, Exception("gone"))

        monkeypatch.setattr(api_keys, "note_use", fail)
        with put_on_sale(client, factories.api_key(shop)) as answer:
            assert answer.status_code == 201
        assert listed(client, shop)["data"][0]["lastUsedAt"] is None
