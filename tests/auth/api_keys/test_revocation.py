"""Revoked and expired API keys."""

from datetime import timedelta
from unittest import mock
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError

from app.auth.api_keys import service as api_keys
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common import clock, db
from tests import factories
from tests.auth.api_keys.helpers import KEYS, audit_records_of, events_of, revoke, works
from tests.auth.helpers import bearer, login
from tests.factories import PASSWORD, Actor
from tests.responses import refusal


class TestRevocation:
    def test_a_revoked_key_is_refused(self, client: FlaskClient, shop: Actor) -> None:
        key, other = factories.api_key(shop), factories.api_key(shop)
        assert works(client, key)

        assert revoke(client, shop, key.id).status_code == 204

        assert not works(client, key)
        assert works(client, other)
        assert client.get("/api/v1/wallet", headers=key.headers).status_code == 401
        order = {"productId": str(factories.product(shop)), "paymentMethod": "WALLET"}
        buying = client.post("/api/v1/orders", json=order, headers=key.headers)
        assert refusal(buying) == (401, "UNAUTHORIZED")

    def test_the_key_is_checked_again_in_the_transaction_of_the_request(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A key revoked after its look-up, but before the transaction, has no effect."""
        shop = factories.actor(Role.MERCHANT, balance="50.00")
        product_id = factories.product(factories.merchant())
        find = api_keys.require_owner

        def find_and_revoke(key: str, *, live: bool) -> api_keys.KeyOwner:
            holder = find(key, live=live)
            with db.transaction() as session:
                api_keys.revoke_key(session, user_id=holder.user_id, key_id=holder.session_id)
            return holder

        monkeypatch.setattr(api_keys, "require_owner", find_and_revoke)
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

    def test_a_repeated_revocation_has_no_effect(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop, Scope.WALLET_READ)

        assert [revoke(client, shop, key.id).status_code for _ in range(2)] == [204, 204]

        about = {
            "name": "Shop server",
            "prefix": key.text[:14],
            "scopes": ["wallet:read"],
            "because": "revoked",
        }
        assert events_of(key.id)[1:] == [("api-key-revoked", {"userId": str(shop.id)} | about)]
        assert audit_records_of(key.id)[1:] == [("api-key.revoke", shop.id, about)]

    def test_only_the_owner_can_revoke_a_key(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(factories.merchant())

        for key_id in (key.id, shop.session_id, uuid4()):
            assert refusal(revoke(client, shop, key_id)) == (404, "API_KEY_NOT_FOUND")
        assert works(client, key)
        assert client.get("/api/v1/wallet", headers=shop.headers).status_code == 200

    def test_an_expired_key_is_refused(self, client: FlaskClient, shop: Actor) -> None:
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

    def test_a_key_remains_valid_after_its_owner_signs_out(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        key = factories.api_key(shop)

        client.post("/api/v1/auth/logout", headers=shop.headers)

        assert works(client, key)

    @pytest.mark.parametrize(
        ("fields", "remains_valid"),
        [({}, True), ({"revokeApiKeys": False}, True), ({"revokeApiKeys": True}, False)],
    )
    def test_a_password_change_revokes_keys_only_if_requested(
        self, client: FlaskClient, shop: Actor, fields: dict[str, bool], remains_valid: bool
    ) -> None:
        key, bystander = factories.api_key(shop), factories.api_key(factories.merchant())
        ended = factories.api_key(shop)
        revoke(client, shop, ended.id)
        body = {"currentPassword": PASSWORD, "newPassword": "a-fine-secret-2"}

        changed = client.post("/api/v1/auth/password", json=body | fields, headers=shop.headers)

        assert changed.status_code == 204
        assert works(client, key) == remains_valid
        assert works(client, bystander)
        assert [kind for kind, _ in events_of(ended.id)] == ["api-key-created", "api-key-revoked"]
        reasons = [data["because"] for kind, data in events_of(key.id) if "revoked" in kind]
        assert reasons == ([] if remains_valid else ["password changed"])

    def test_deactivation_revokes_keys_permanently(self, client: FlaskClient, shop: Actor) -> None:
        key, admin = factories.api_key(shop), factories.admin()
        reason = {"json": {"reason": "fraud"}, "headers": admin.headers}

        client.post(f"/api/v1/admin/users/{shop.id}/deactivate", **reason)
        assert not works(client, key)
        client.post(f"/api/v1/admin/users/{shop.id}/activate", **reason)

        assert not works(client, key)
        assert audit_records_of(key.id)[-1][:2] == ("api-key.revoke", admin.id)
        assert events_of(key.id)[-1][1]["because"] == "deactivated"
        again = login(client, shop.email).json["accessToken"]
        assert client.get(KEYS, headers=bearer(again)).json["data"][0]["revokedAt"]

    @pytest.mark.parametrize(
        "change",
        [
            "scopes = '{wallet:withdraw}'",
            "key_hash = sha256('other')",
            "expires_at = NULL",
            "name = 'Another'",
        ],
    )
    def test_the_database_refuses_changes_of_a_key(self, committing: Flask, change: str) -> None:
        key = factories.api_key(factories.merchant(), Scope.WALLET_READ)

        with pytest.raises(DBAPIError, match="append-only"), db.transaction() as session:
            factories.as_owner(session, f"UPDATE api_keys SET {change} WHERE id = '{key.id}'")
