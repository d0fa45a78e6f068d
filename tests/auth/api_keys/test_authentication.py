"""Requests authenticated by an API key."""

from unittest import mock

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.auth.api_keys import service as api_keys
from app.auth.models import LoginSession, Role
from app.auth.scopes import Scope
from app.common import db
from tests import factories
from tests.auth.api_keys.helpers import DIGITS, KEYS, create_key, create_product, revoke, works
from tests.factories import PASSWORD, Actor, Key
from tests.payment_requests.helpers import created_code
from tests.payouts.helpers import ACCOUNT
from tests.responses import error_body, refusal


class TestAuthentication:
    def test_a_wrong_key_is_refused_as_a_wrong_token(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        key = factories.api_key(shop).text
        swapped = key[:10] + key[11] + key[10] + key[12:]
        for wrong in (
            "pf_",
            "pf_test_",
            api_keys.generate_key(live=False),
            key[:-1],
            f"{key}A",
            f"{key}\u00e9",
            key.lower(),
            swapped if swapped != key else key[::-1],
            key.replace("pf_test_", "pf_live_"),
            key.replace("pf_test_", "pf_best_"),
        ):
            answer = create_product(client, wrong)
            assert (wrong, *refusal(answer)) == (wrong, 401, "UNAUTHORIZED")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.json["details"] == {}
        assert works(client, key)

    def test_a_key_with_a_wrong_checksum_is_not_looked_up(
        self, client: FlaskClient, shop: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = factories.api_key(shop).text
        looked_up = mock.Mock(side_effect=AssertionError("looked up"))
        monkeypatch.setattr("app.auth.repository.get_key_owner", looked_up)

        last = DIGITS[DIGITS.index(key[-1]) - 1]
        assert refusal(create_product(client, key[:-1] + last)) == (401, "UNAUTHORIZED")

    def test_an_access_token_is_not_looked_up_as_a_key(
        self, client: FlaskClient, shop: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked_up = mock.Mock(side_effect=AssertionError("looked up"))
        monkeypatch.setattr("app.auth.repository.get_key_owner", looked_up)

        assert client.get("/api/v1/wallet", headers=shop.headers).status_code == 200

    @pytest.mark.parametrize("created_live", [True, False])
    def test_a_key_of_the_other_mode_is_refused_with_the_reason(
        self, client: FlaskClient, shop: Actor, monkeypatch: pytest.MonkeyPatch, created_live: bool
    ) -> None:
        monkeypatch.setattr("app.common.settings.Settings.is_production", created_live)
        key = create_key(client, shop).json["key"]
        assert key.startswith("pf_live_" if created_live else "pf_test_")
        assert works(client, key)

        monkeypatch.setattr("app.common.settings.Settings.is_production", not created_live)

        answer = create_product(client, key)
        assert refusal(answer) == (401, "UNAUTHORIZED")
        assert ("testing" if created_live else "production") in answer.json["message"]

    def test_a_key_is_read_from_the_header_only(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop).text
        url, body = "/api/v1/products", {"name": "Course", "price": "5.00", "availableUnits": 1}

        for name in ("access_token", "api_key", "apiKey", "key", "token"):
            by_query = client.post(url, json=body, query_string={name: key})
            assert refusal(by_query) == (400, "VALIDATION_ERROR")
            assert key not in by_query.text
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

    def test_an_error_body_does_not_contain_the_key(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop, Scope.WALLET_READ)

        for answer in (
            create_product(client, key),
            create_product(client, key.text[:-1]),
            client.get("/api/v1/wallet?at=x", headers=key.headers),
            client.get("/api/v1/nowhere", headers=key.headers),
        ):
            assert key.text[14:40] not in answer.text

    def test_without_the_scope_the_error_names_the_required_one(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        key = factories.api_key(shop, Scope.WALLET_READ, Scope.ORDERS_READ)

        answer = create_product(client, key)

        assert refusal(answer) == (403, "SCOPE_REQUIRED")
        assert answer.json["details"] == {
            "required": "products:write",
            "granted": ["orders:read", "wallet:read"],
        }
        assert answer.headers["WWW-Authenticate"] == (
            'Bearer error="insufficient_scope", scope="products:write"'
        )

    def test_endpoints_for_users_accept_no_key_whatever_its_scopes(
        self, client: FlaskClient, shop: Actor
    ) -> None:
        key = factories.api_key(shop)

        answer = client.get("/api/v1/auth/me", headers=key.headers)

        assert refusal(answer) == (403, "KEY_NOT_ALLOWED")
        body = {"name": "Another", "scopes": ["wallet:read"], "password": PASSWORD}
        another = client.post(KEYS, json=body, headers=key.headers)
        assert refusal(another) == (403, "KEY_NOT_ALLOWED")

    def test_a_key_can_pay_out_to_saved_bank_accounts_but_cannot_save_one(
        self, client: FlaskClient
    ) -> None:
        shop = factories.actor(Role.MERCHANT, balance="50.00")
        key = factories.api_key(shop)
        accounts = "/api/v1/wallet/bank-accounts"

        saved_by_key = client.post(accounts, json=ACCOUNT, headers=key.headers)
        account = client.post(accounts, json=ACCOUNT, headers=shop.headers).json
        body = {"bankAccountId": account["id"], "amount": "5.00"}
        paid_out = client.post("/api/v1/wallet/payouts", json=body, headers=key.headers)

        assert refusal(saved_by_key) == (403, "KEY_NOT_ALLOWED")
        assert paid_out.status_code == 201

    def test_a_key_acts_as_its_merchant(self, client: FlaskClient, shop: Actor) -> None:
        key = factories.api_key(shop)

        product = create_product(client, key).json
        mine = client.get("/api/v1/products/merchant/my-products", headers=shop.headers).json

        assert [one["id"] for one in mine] == [product["id"]]
        others = factories.product(factories.merchant())
        patch = client.patch(f"/api/v1/products/{others}", json={}, headers=key.headers)
        assert patch.status_code == 403

    def test_a_purchase_requires_the_scope_orders_write(self, client: FlaskClient) -> None:
        shop = factories.actor(Role.MERCHANT, balance="50.00")
        product_id = factories.product(factories.merchant(), price="10.00")
        order = {"productId": str(product_id), "paymentMethod": "WALLET"}

        def buy(key: Key) -> TestResponse:
            return client.post("/api/v1/orders", json=order, headers=key.headers)

        others = [scope for scope in Scope if scope is not Scope.ORDERS_WRITE]
        assert refusal(buy(factories.api_key(shop, *others))) == (403, "SCOPE_REQUIRED")
        assert buy(factories.api_key(shop, Scope.ORDERS_WRITE)).status_code == 201

    def test_paying_a_merchant_code_of_a_product_requires_both_scopes(
        self, client: FlaskClient
    ) -> None:
        shop, other = factories.actor(Role.MERCHANT, balance="50.00"), factories.merchant()
        product_id = factories.product(other, price="10.00")
        code = created_code(client, other, productId=str(product_id))

        def pay(key: Key) -> TestResponse:
            return client.post(f"/api/v1/merchant-codes/{code['token']}/pay", headers=key.headers)

        refused = pay(factories.api_key(shop, Scope.TRANSFERS_WRITE, Scope.PAYOUTS_WRITE))
        assert refusal(refused) == (403, "SCOPE_REQUIRED")
        assert refused.json["details"]["required"] == "orders:write"
        assert refusal(pay(factories.api_key(shop, Scope.ORDERS_WRITE)))[0] == 403
        both = pay(factories.api_key(shop, Scope.TRANSFERS_WRITE, Scope.ORDERS_WRITE))
        assert (both.status_code, both.json["amount"]) == (201, "10.00")

    def test_an_idempotency_key_belongs_to_the_merchant_not_to_the_api_key(
        self, client: FlaskClient
    ) -> None:
        shop = factories.actor(Role.MERCHANT, balance="50.00")
        headers = {"Idempotency-Key": "out-1"}

        answers = [
            client.post(
                "/api/v1/wallet/withdraw", json={"amount": "5.00"}, headers=sender.headers | headers
            )
            for sender in (shop, factories.api_key(shop))
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


def test_the_session_of_a_key_has_no_refresh_token(client: FlaskClient, shop: Actor) -> None:
    key = factories.api_key(shop)

    with db.transaction() as session:
        login_session = session.get_one(LoginSession, key.id)
        assert login_session.kind == "API_KEY"
        rows = session.execute(
            text("SELECT count(*) FROM refresh_tokens WHERE session_id = :id"), {"id": key.id}
        )
        assert rows.scalar_one() == 0


def test_a_refused_key_gets_the_standard_error_body(client: FlaskClient, shop: Actor) -> None:
    answer = create_product(client, factories.api_key(shop, Scope.WALLET_READ))

    assert error_body(answer)["message"] == "This API key lacks the scope products:write"
