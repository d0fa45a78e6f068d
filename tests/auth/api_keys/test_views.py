"""API keys: making, using and ending them."""

import re
import zlib
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.audit.models import AuditRecord
from app.auth.api_keys import service as api_keys
from app.auth.models import ApiKey, LoginSession, Role
from app.auth.scopes import EXPLAINED, Scope
from app.common import clock, db
from app.events.models import OutboxEvent
from app.idempotency.models import IdempotencyKey
from tests import factories
from tests.answers import TIME, UUID_TEXT, error_body, refusal
from tests.auth.helpers import bearer, login
from tests.authenticator import STEP, TWO_FACTOR, Watch, begin, begun, enrolled
from tests.factories import PASSWORD, Actor, Key
from tests.payment_requests.helpers import coded
from tests.payouts.helpers import ACCOUNT

KEYS = "/api/v1/auth/api-keys"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def ask_for_key(client: FlaskClient, by: Actor, **fields: Any) -> TestResponse:
    body = {"name": "Shop server", "scopes": ["products:write"], "password": PASSWORD} | fields
    return client.post(KEYS, json=body, headers=by.headers)


def listed(client: FlaskClient, by: Actor, **query: Any) -> Any:
    return client.get(KEYS, headers=by.headers, query_string=query).json


def revoke(client: FlaskClient, by: Actor, key_id: Any) -> TestResponse:
    return client.delete(f"{KEYS}/{key_id}", headers=by.headers)


def put_on_sale(client: FlaskClient, key: Key | str) -> TestResponse:
    body = {"name": "Course", "price": "5.00", "availableUnits": 1}
    headers = key.headers if isinstance(key, Key) else bearer(key)
    return client.post("/api/v1/products", json=body, headers=headers)


def works(client: FlaskClient, key: Key | str) -> bool:
    status = put_on_sale(client, key).status_code
    assert status in (201, 401)
    return status == 201


def checksum(start: str) -> str:
    """The last six letters of a key, worked out as docs/api-keys.md says."""
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


def audited(key_id: Any) -> list[tuple[str, Any, dict[str, Any]]]:
    with db.transaction() as session:
        rows = session.scalars(
            select(AuditRecord).where(AuditRecord.target_id == key_id).order_by(AuditRecord.id)
        )
        return [(row.action, row.actor_id, row.details) for row in rows]


@pytest.fixture
def shop(client: FlaskClient) -> Actor:
    return factories.merchant()


class TestMaking:
    def test_the_key_is_shown_once_and_works(self, client: FlaskClient, shop: Actor) -> None:
        answer = ask_for_key(client, shop, scopes=["orders:read", "products:write"])

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

    def test_its_last_letters_are_the_checksum_of_the_others(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        key = ask_for_key(client, shop).json["key"]

        assert key[-6:] == checksum(key[:-6])

    def test_no_two_are_alike_and_they_use_every_letter(self) -> None:
        keys = [api_keys.generate(live=True) for _ in range(300)]

        assert len(set(keys)) == 300
        assert set("".join(key.removeprefix("pf_live_") for key in keys)) == set(DIGITS)

    def test_only_its_hash_is_stored(self, client: FlaskClient, shop: Actor) -> None:
        made = ask_for_key(client, shop, code=None).json

        secret = made["key"][len(made["prefix"]) :]
        with db.transaction() as session:
            tables = session.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ).all()
            for table in tables:
                rows = session.scalars(text(f"SELECT t::text FROM {table} t")).all()
                assert not any(secret in row or secret.encode().hex() in row for row in rows)
        assert {"api_keys", "outbox_events", "audit_log", "idempotency_keys"} <= set(tables)

    def test_an_idempotency_key_keeps_nothing_of_the_answer(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        headers = shop.headers | {"Idempotency-Key": "key-1"}
        body = {"name": "Shop server", "scopes": ["products:write"], "password": PASSWORD}

        first, again = (client.post(KEYS, json=body, headers=headers) for _ in range(2))

        assert first.json["key"] != again.json["key"]
        with db.transaction() as session:
            assert session.scalars(select(IdempotencyKey)).all() == []

    def test_an_event_and_an_audit_record_tell_of_it(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        made = ask_for_key(client, shop, expiresAt="2031-01-01").json

        about = {
            "name": "Shop server",
            "prefix": made["prefix"],
            "scopes": ["products:write"],
            "expiresAt": "2031-01-01T00:00:00.000Z",
        }
        assert events_of(made["id"]) == [("api-key-created", {"userId": str(shop.id)} | about)]
        assert audited(made["id"]) == [("api-key.create", shop.id, about)]

    def test_it_takes_the_password(self, client: FlaskClient, shop: Actor) -> None:
        answer = ask_for_key(client, shop, password="correct-horse-2")

        assert refusal(answer) == (401, "INVALID_CREDENTIALS")
        assert listed(client, shop)["data"] == []

    def test_guessing_the_password_is_limited(self, rate_limited: Flask) -> None:
        client, shop = rate_limited.test_client(), factories.merchant()

        answers = [ask_for_key(client, shop, password="wrong-password") for _ in range(11)]

        assert [answer.status_code for answer in answers] == [401] * 10 + [429]

    @pytest.mark.parametrize("role", [Role.USER, Role.ADMIN])
    def test_only_merchants_have_keys(self, client: FlaskClient, role: Role) -> None:
        assert refusal(ask_for_key(client, factories.actor(role))) == (403, "FORBIDDEN")

    def test_a_scope_that_is_named_twice_is_granted_once(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        answer = ask_for_key(client, shop, scopes=["wallet:read", "wallet:read"])

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
            ("scopes", ["products:write"] * 14),
            ("expiresAt", "2020-01-01T00:00:00Z"),
            ("expiresAt", "tomorrow"),
            ("expiresAt", "9999-12-31T23:59:59-23:00"),
            ("password", None),
            ("code", "12"),
            ("role", "ADMIN"),
        ],
    )
    def test_what_makes_no_key_is_refused_for_itself(
        self, client: FlaskClient, shop: Actor, field: str, value: Any
    ) -> None:
        answer = ask_for_key(client, shop, **{field: value})

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_a_merchant_has_at_most_twenty_that_hold(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        soon = clock.now() + timedelta(minutes=1)
        first = factories.api_key(shop)
        factories.api_key(shop, expires_at=soon)
        for _ in range(18):
            factories.api_key(shop)

        answer = ask_for_key(client, shop)
        assert refusal(answer) == (409, "TOO_MANY_API_KEYS")
        assert answer.json["details"] == {"most": 20}

        revoke(client, shop, first.id)
        assert ask_for_key(client, shop).status_code == 201
        assert refusal(ask_for_key(client, shop)) == (409, "TOO_MANY_API_KEYS")
        with mock.patch("app.common.clock.now", return_value=soon):
            factories.api_key(shop)
        assert ask_for_key(client, factories.merchant()).status_code == 201


class TestSecondFactor:
    def test_an_account_that_has_one_needs_a_code(
        self, client: FlaskClient, shop: Actor, watch: Watch
    ) -> None:
        app = enrolled(client, shop, watch)

        assert refusal(ask_for_key(client, shop)) == (403, "TWO_FACTOR_REQUIRED")
        wrong = ask_for_key(client, shop, code=app.wrong_code())
        assert refusal(wrong) == (400, "TWO_FACTOR_CODE_WRONG")
        assert listed(client, shop)["data"] == []
        code = app.code()
        assert ask_for_key(client, shop, code=code).status_code == 201
        assert refusal(ask_for_key(client, shop, code=code)) == (400, "TWO_FACTOR_CODE_WRONG")
        assert ask_for_key(client, shop, code=app.recovery_codes[0]).status_code == 201

    def test_a_key_that_is_refused_leaves_the_code_good(
        self, client: FlaskClient, shop: Actor, watch: Watch
    ) -> None:
        app = enrolled(client, shop, watch)
        code = app.code()

        assert ask_for_key(client, shop, code=code, expiresAt="2020-01-01").status_code == 400
        assert ask_for_key(client, shop, code=code).status_code == 201

    def test_one_that_is_pending_is_not_on(
        self, client: FlaskClient, shop: Actor, watch: Watch
    ) -> None:
        begun(client, shop, watch)

        assert ask_for_key(client, shop).status_code == 201

    def test_guessing_codes_is_limited_with_the_other_endpoints(
        self, rate_limited: Flask, watch: Watch
    ) -> None:
        client, shop = rate_limited.test_client(), factories.merchant()
        begin(client, shop)
        confirm = f"{TWO_FACTOR}/confirm"
        for _ in range(4):
            client.post(confirm, json={"code": "000000"}, headers=shop.headers)

        statuses = [ask_for_key(client, shop, code="000000").status_code for _ in range(2)]

        assert statuses == [201, 429]
        assert ask_for_key(client, shop).status_code == 201

    def test_a_scope_does_not_stand_in_for_the_code(
        self, client: FlaskClient, watch: Watch, change_settings: Callable[..., None]
    ) -> None:
        change_settings(two_factor_above=Decimal("50"))
        shop = factories.actor(Role.MERCHANT, balance="500.00")
        app = enrolled(client, shop, watch)
        key = factories.api_key(shop, Scope.PAYOUTS_WRITE)

        def withdraw(amount: str, **headers: str) -> TestResponse:
            return client.post(
                "/api/v1/wallet/withdraw", json={"amount": amount}, headers=key.headers | headers
            )

        assert withdraw("50.00").status_code == 200
        assert refusal(withdraw("50.01")) == (403, "TWO_FACTOR_REQUIRED")
        watch.wait(STEP)
        assert withdraw("50.01", **{"X-Two-Factor-Code": app.code()}).status_code == 200


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


class TestUsing:
    def test_a_wrong_key_is_refused_as_a_wrong_token(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        key = factories.api_key(shop).text
        swapped = key[:10] + key[11] + key[10] + key[12:]
        for wrong in (
            "pf_",
            "pf_test_",
            api_keys.generate(live=False),
            key[:-1],
            f"{key}A",
            f"{key}\u00e9",
            key.lower(),
            swapped if swapped != key else key[::-1],
            key.replace("pf_test_", "pf_live_"),
            key.replace("pf_test_", "pf_best_"),
        ):
            answer = put_on_sale(client, wrong)
            assert (wrong, *refusal(answer)) == (wrong, 401, "UNAUTHORIZED")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.json["details"] == {}
        assert works(client, key)

    def test_what_has_no_checksum_is_not_looked_up(
        self, client: FlaskClient, shop: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = factories.api_key(shop).text
        looked_up = mock.Mock(side_effect=AssertionError("looked up"))
        monkeypatch.setattr("app.auth.repository.get_key_holder", looked_up)

        last = DIGITS[DIGITS.index(key[-1]) - 1]
        assert refusal(put_on_sale(client, key[:-1] + last)) == (401, "UNAUTHORIZED")

    def test_a_token_is_not_looked_up(
        self, client: FlaskClient, shop: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked_up = mock.Mock(side_effect=AssertionError("looked up"))
        monkeypatch.setattr("app.auth.repository.get_key_holder", looked_up)

        assert client.get("/api/v1/wallet", headers=shop.headers).status_code == 200

    @pytest.mark.parametrize("made_live", [True, False])
    def test_a_key_of_the_other_kind_is_refused_and_told_why(
        self, client: FlaskClient, shop: Actor, monkeypatch: pytest.MonkeyPatch, made_live: bool
    ) -> None:
        monkeypatch.setattr("app.common.settings.Settings.is_production", made_live)
        key = ask_for_key(client, shop).json["key"]
        assert key.startswith("pf_live_" if made_live else "pf_test_")
        assert works(client, key)

        monkeypatch.setattr("app.common.settings.Settings.is_production", not made_live)

        answer = put_on_sale(client, key)
        assert refusal(answer) == (401, "UNAUTHORIZED")
        assert ("testing" if made_live else "production") in answer.json["message"]

    def test_a_key_is_read_from_the_header_only(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop).text
        url, body = "/api/v1/products", {"name": "Course", "price": "5.00", "availableUnits": 1}

        for name in ("access_token", "api_key", "apiKey", "key", "token"):
            by_query = client.post(url, json=body, query_string={name: key})
            assert refusal(by_query) == (401, "UNAUTHORIZED")
            by_body = client.post(url, json=body | {name: key})
            assert refusal(by_body) == (401, "UNAUTHORIZED")
            client.set_cookie(name, key)
        for headers in (
            {"X-Api-Key": key},
            {"Authorization": key},
            {"Authorization": f"Basic {key}"},
            {"Authorization": f"Token {key}"},
        ):
            assert refusal(client.post(url, json=body, headers=headers)) == (401, "UNAUTHORIZED")

    def test_an_error_body_does_not_show_it(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop, Scope.WALLET_READ)

        for answer in (
            put_on_sale(client, key),
            put_on_sale(client, key.text[:-1]),
            client.get("/api/v1/wallet?at=x", headers=key.headers),
            client.get("/api/v1/nowhere", headers=key.headers),
        ):
            assert key.text[14:40] not in answer.text

    def test_without_the_scope_it_is_told_which_one(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop, Scope.WALLET_READ, Scope.ORDERS_READ)

        answer = put_on_sale(client, key)

        assert refusal(answer) == (403, "SCOPE_REQUIRED")
        assert answer.json["details"] == {
            "required": "products:write",
            "granted": ["orders:read", "wallet:read"],
        }
        assert answer.headers["WWW-Authenticate"] == (
            'Bearer error="insufficient_scope", scope="products:write"'
        )

    def test_what_is_for_people_takes_no_key_whatever_its_scopes(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        key = factories.api_key(shop)

        answer = client.get("/api/v1/auth/me", headers=key.headers)

        assert refusal(answer) == (403, "KEY_NOT_ALLOWED")
        body = {"name": "Another", "scopes": ["wallet:read"], "password": PASSWORD}
        another = client.post(KEYS, json=body, headers=key.headers)
        assert refusal(another) == (403, "KEY_NOT_ALLOWED")

    def test_it_pays_out_to_saved_accounts_but_saves_none(self, client: FlaskClient) -> None:
        shop = factories.actor(Role.MERCHANT, balance="50.00")
        key = factories.api_key(shop)
        accounts = "/api/v1/wallet/bank-accounts"

        saved_by_key = client.post(accounts, json=ACCOUNT, headers=key.headers)
        account = client.post(accounts, json=ACCOUNT, headers=shop.headers).json
        body = {"bankAccountId": account["id"], "amount": "5.00"}
        paid_out = client.post("/api/v1/wallet/payouts", json=body, headers=key.headers)

        assert refusal(saved_by_key) == (403, "KEY_NOT_ALLOWED")
        assert paid_out.status_code == 201

    def test_it_is_the_merchant(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop)

        product = put_on_sale(client, key).json
        mine = client.get("/api/v1/products/merchant/my-products", headers=shop.headers).json

        assert [one["id"] for one in mine] == [product["id"]]
        others = factories.product(factories.merchant())
        patch = client.patch(f"/api/v1/products/{others}", json={}, headers=key.headers)
        assert patch.status_code == 403

    def test_it_buys_with_the_scope_that_says_so(self, client: FlaskClient) -> None:
        shop = factories.actor(Role.MERCHANT, balance="50.00")
        product_id = factories.product(factories.merchant(), price="10.00")
        order = {"productId": str(product_id), "paymentMethod": "WALLET"}

        def buy(key: Key) -> TestResponse:
            return client.post("/api/v1/orders", json=order, headers=key.headers)

        others = [scope for scope in Scope if scope is not Scope.ORDERS_WRITE]
        assert refusal(buy(factories.api_key(shop, *others))) == (403, "SCOPE_REQUIRED")
        assert buy(factories.api_key(shop, Scope.ORDERS_WRITE)).status_code == 201

    def test_a_scanned_code_of_a_product_is_no_way_around_that_scope(
        self, client: FlaskClient
    ) -> None:
        shop, other = factories.actor(Role.MERCHANT, balance="50.00"), factories.merchant()
        product_id = factories.product(other, price="10.00")
        code = coded(client, other, productId=str(product_id))

        def pay(key: Key) -> TestResponse:
            return client.post(f"/api/v1/merchant-codes/{code['token']}/pay", headers=key.headers)

        refused = pay(factories.api_key(shop, Scope.TRANSFERS_WRITE, Scope.PAYOUTS_WRITE))
        assert refusal(refused) == (403, "SCOPE_REQUIRED")
        assert refused.json["details"]["required"] == "orders:write"
        assert refusal(pay(factories.api_key(shop, Scope.ORDERS_WRITE)))[0] == 403
        both = pay(factories.api_key(shop, Scope.TRANSFERS_WRITE, Scope.ORDERS_WRITE))
        assert (both.status_code, both.json["amount"]) == (201, "10.00")

    def test_an_idempotency_key_is_the_merchant_s_whoever_sends_it(
        self, client: FlaskClient
    ) -> None:
        shop = factories.actor(Role.MERCHANT, balance="50.00")
        headers = {"Idempotency-Key": "out-1"}

        answers = [
            client.post(
                "/api/v1/wallet/withdraw", json={"amount": "5.00"}, headers=who.headers | headers
            )
            for who in (shop, factories.api_key(shop))
        ]

        assert answers[0].json == answers[1].json
        assert "Idempotent-Replayed" in answers[1].headers

    def test_a_deleted_product_is_shown_to_a_key_that_may_read_products(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        product_id = factories.product(shop)
        url = f"/api/v1/products/{product_id}"
        client.delete(url, headers=shop.headers)

        reader = factories.api_key(shop, Scope.PRODUCTS_READ)
        writer = factories.api_key(shop, Scope.PRODUCTS_WRITE)

        assert client.get(url, headers=reader.headers).status_code == 200
        assert client.get(url, headers=writer.headers).status_code == 404
        revoke(client, shop, reader.id)
        assert client.get(url, headers=reader.headers).status_code == 404


class TestEnding:
    def test_a_revoked_key_works_no_more(self, client: FlaskClient, shop: Actor) -> None:
        key, other = factories.api_key(shop), factories.api_key(shop)
        assert works(client, key)

        assert revoke(client, shop, key.id).status_code == 204

        assert not works(client, key)
        assert works(client, other)
        assert client.get("/api/v1/wallet", headers=key.headers).status_code == 401
        order = {"productId": str(factories.product(shop)), "paymentMethod": "WALLET"}
        buying = client.post("/api/v1/orders", json=order, headers=key.headers)
        assert refusal(buying) == (401, "UNAUTHORIZED")

    def test_the_work_s_own_transaction_asks_again(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Revoked between the look-up at the door and the work: nothing is done."""
        shop = factories.actor(Role.MERCHANT, balance="50.00")
        product_id = factories.product(factories.merchant())
        find = api_keys.find

        def find_and_revoke(key: str, *, live: bool) -> api_keys.Holder:
            holder = find(key, live=live)
            with db.transaction() as session:
                api_keys.revoke(session, user_id=holder.user_id, key_id=holder.session_id)
            return holder

        monkeypatch.setattr(api_keys, "find", find_and_revoke)
        for method, path, body in (
            ("POST", "orders", {"productId": str(product_id), "paymentMethod": "WALLET"}),
            ("POST", "wallet/withdraw", {"amount": "1.00"}),
            ("POST", "products", {"name": "Course", "price": "5.00", "availableUnits": 1}),
            ("GET", "wallet", None),
            ("GET", "wallet/transactions", None),
            ("GET", "orders/merchant/sales", None),
        ):
            headers = factories.api_key(shop).headers
            answer = client.open(f"/api/v1/{path}", method=method, json=body, headers=headers)
            assert (path, *refusal(answer)) == (path, 401, "UNAUTHORIZED")

    def test_revoking_again_changes_nothing(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop, Scope.WALLET_READ)

        assert [revoke(client, shop, key.id).status_code for _ in range(2)] == [204, 204]

        about = {
            "name": "Shop server",
            "prefix": key.text[:14],
            "scopes": ["wallet:read"],
            "because": "revoked",
        }
        assert events_of(key.id)[1:] == [("api-key-revoked", {"userId": str(shop.id)} | about)]
        assert audited(key.id)[1:] == [("api-key.revoke", shop.id, about)]

    def test_only_one_s_own_keys_can_be_revoked(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(factories.merchant())

        for key_id in (key.id, shop.session_id, uuid4()):
            assert refusal(revoke(client, shop, key_id)) == (404, "API_KEY_NOT_FOUND")
        assert works(client, key)
        assert client.get("/api/v1/wallet", headers=shop.headers).status_code == 200

    def test_an_expired_key_works_no_more(self, client: FlaskClient, shop: Actor) -> None:
        end = clock.now() + timedelta(minutes=5)
        key = factories.api_key(shop, expires_at=end)
        assert works(client, key)

        with mock.patch("app.common.clock.now", return_value=end):
            assert not works(client, key)

    def test_a_key_is_not_among_the_sessions(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop)
        sessions = "/api/v1/auth/sessions"

        shown = client.get(sessions, headers=shop.headers).json
        ended = client.delete(f"{sessions}/{key.id}", headers=shop.headers)

        assert [session["id"] for session in shown] == [str(shop.session_id)]
        assert refusal(ended) == (404, "SESSION_NOT_FOUND")
        assert works(client, key)

    def test_it_goes_on_when_whoever_made_it_signs_out(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        key = factories.api_key(shop)

        client.post("/api/v1/auth/logout", headers=shop.headers)

        assert works(client, key)

    @pytest.mark.parametrize(
        ("told", "goes_on"),
        [({}, True), ({"revokeApiKeys": False}, True), ({"revokeApiKeys": True}, False)],
    )
    def test_a_new_password_ends_keys_only_if_told_so(
        self, client: FlaskClient, shop: Actor, told: dict[str, bool], goes_on: bool
    ) -> None:
        key, bystander = factories.api_key(shop), factories.api_key(factories.merchant())
        ended = factories.api_key(shop)
        revoke(client, shop, ended.id)
        body = {"currentPassword": PASSWORD, "newPassword": "a-fine-secret-2"}

        changed = client.post("/api/v1/auth/password", json=body | told, headers=shop.headers)

        assert changed.status_code == 204
        assert works(client, key) == goes_on
        assert works(client, bystander)
        assert [kind for kind, _ in events_of(ended.id)] == ["api-key-created", "api-key-revoked"]
        told_of = [data["because"] for kind, data in events_of(key.id) if "revoked" in kind]
        assert told_of == ([] if goes_on else ["password changed"])

    def test_deactivation_ends_keys_for_good(self, client: FlaskClient, shop: Actor) -> None:
        key, admin = factories.api_key(shop), factories.admin()
        reason = {"json": {"reason": "fraud"}, "headers": admin.headers}

        client.post(f"/api/v1/admin/users/{shop.id}/deactivate", **reason)
        assert not works(client, key)
        client.post(f"/api/v1/admin/users/{shop.id}/activate", **reason)

        assert not works(client, key)
        assert audited(key.id)[-1][:2] == ("api-key.revoke", admin.id)
        assert events_of(key.id)[-1][1]["because"] == "deactivated"
        again = login(client, shop.email).json["accessToken"]
        assert client.get(KEYS, headers=bearer(again)).json["data"][0]["revokedAt"]

    @pytest.mark.parametrize(
        "change",
        [
            {"scopes": [str(scope) for scope in Scope]},
            {"key_hash": b"h" * 32},
            {"expires_at": None},
            {"name": "Another"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_the_database_lets_nobody_change_a_key(
        self, committing: Flask, change: dict[str, Any]
    ) -> None:
        key = factories.api_key(factories.merchant(), Scope.WALLET_READ)

        with pytest.raises(DBAPIError, match="append-only"), db.transaction() as session:
            session.execute(update(ApiKey).where(ApiKey.id == key.id).values(**change))


def test_the_document_explains_every_scope(client: FlaskClient) -> None:
    schemas = client.get("/api/openapi.json").json["components"]["schemas"]

    described = schemas["CreateApiKey"]["properties"]["scopes"]["description"]
    assert all(f"* `{scope}`: {EXPLAINED[scope]}" in described for scope in Scope)


def test_the_key_s_session_has_no_refresh_token(client: FlaskClient, shop: Actor) -> None:
    key = factories.api_key(shop)

    with db.transaction() as session:
        login_session = session.get_one(LoginSession, key.id)
        assert login_session.kind == "API_KEY"
        rows = session.execute(
            text("SELECT count(*) FROM refresh_tokens WHERE session_id = :id"), {"id": key.id}
        )
        assert rows.scalar_one() == 0


def test_the_error_body_is_that_of_everything_else(client: FlaskClient, shop: Actor) -> None:
    answer = put_on_sale(client, factories.api_key(shop, Scope.WALLET_READ))

    assert error_body(answer)["message"] == "This API key lacks the scope products:write"
