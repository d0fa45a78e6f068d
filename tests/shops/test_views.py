"""The shop profile over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditRecord
from app.common.db import transaction
from tests import factories
from tests.factories import Actor
from tests.orders.order_page.helpers import page_path

API = "/api/v1"
PROFILE = {
    "name": "Corner Bakery",
    "supportEmail": "help@bakery.example.com",
    "timeZone": "Asia/Kolkata",
    "lowStockUnits": 3,
    "goodsInMail": False,
}


def change(client: FlaskClient, merchant: Actor, **profile: Any) -> Any:
    return client.patch(f"{API}/shop", json=profile, headers=merchant.headers)


def named(client: FlaskClient, merchant: Actor, **names: str) -> None:
    client.patch(f"{API}/auth/me", json=names, headers=merchant.headers)


def product_seen(client: FlaskClient, product_id: object, caller: Actor | None = None) -> Any:
    headers = caller.headers if caller else {}
    return client.get(f"{API}/products/{product_id}", headers=headers).json["merchant"]


class TestProfile:
    def test_a_new_merchant_has_no_shop_name_and_counts_in_utc(self, client: FlaskClient) -> None:
        merchant = factories.merchant()
        named(client, merchant, firstName="Alice", lastName="Jones")

        assert client.get(f"{API}/shop", headers=merchant.headers).json == {
            "id": str(merchant.id),
            "name": None,
            "publicName": "Alice J.",
            "supportEmail": None,
            "timeZone": "UTC",
            "lowStockUnits": 5,
            "goodsInMail": True,
            "logo": None,
        }

    def test_omitted_fields_keep_their_values(self, client: FlaskClient) -> None:
        merchant = factories.merchant()
        change(client, merchant, **PROFILE)

        answer = change(client, merchant, supportEmail=None)

        expected = {"id": str(merchant.id), "publicName": PROFILE["name"], **PROFILE}
        assert answer.json == expected | {"supportEmail": None, "logo": None}
        assert client.get(f"{API}/shop", headers=merchant.headers).json == answer.json

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "x" * 81),
            ("name", "Bakery \u202e"),
            ("supportEmail", "bakery"),
            ("supportEmail", "a" * 60 + "@" + "b" * 50 + ".example.com"),
            ("timeZone", "Mars/Olympus"),
            ("timeZone", "utc+5"),
            ("timeZone", ""),
            ("timeZone", None),
            ("timeZone", 5),
            ("logo", "x"),
        ],
    )
    def test_an_invalid_field_is_named(self, client: FlaskClient, field: str, value: Any) -> None:
        answer = change(client, factories.merchant(), **{field: value})

        assert answer.status_code == 400
        assert list(answer.json["details"]) == [field]

    def test_a_time_zone_is_understood_in_any_case(self, client: FlaskClient) -> None:
        answer = change(client, factories.merchant(), timeZone="asia/kolkata")

        assert (answer.status_code, answer.json["timeZone"]) == (200, "Asia/Kolkata")

    def test_a_change_is_recorded_once(self, client: FlaskClient) -> None:
        merchant = factories.merchant()
        for _ in range(2):
            change(client, merchant, name="Corner Bakery")

        with transaction() as session:
            actions = select(AuditRecord.details).where(
                AuditRecord.actor_id == merchant.id, AuditRecord.action == "shop.update"
            )
            (details,) = session.scalars(actions)
        assert details == {
            "before": {"shop_name": None},
            "after": {"shop_name": "Corner Bakery"},
        }


class TestWhatBuyersSee:
    def test_the_public_profile(self, client: FlaskClient) -> None:
        merchant = factories.merchant()
        change(client, merchant, **PROFILE)

        assert client.get(f"{API}/shops/{merchant.id}").json == {
            "id": str(merchant.id),
            "name": PROFILE["name"],
            "supportEmail": PROFILE["supportEmail"],
            "logo": None,
        }

    def test_only_an_active_merchant_has_a_public_profile(self, client: FlaskClient) -> None:
        buyer = factories.buyer()
        merchant = factories.merchant()
        client.post(
            f"{API}/admin/users/{merchant.id}/deactivate",
            json={"reason": "closed"},
            headers=factories.admin().headers,
        )
        for user in (buyer, merchant):
            answer = client.get(f"{API}/shops/{user.id}")
            assert (answer.status_code, answer.json["error"]) == (404, "SHOP_NOT_FOUND")

    def test_without_a_shop_name_a_stranger_sees_the_initial_of_the_last_name(
        self, client: FlaskClient
    ) -> None:
        merchant = factories.merchant()
        named(client, merchant, firstName="Alice", lastName="Jones")
        product_id = factories.product(merchant)

        person = {"firstName": "Alice", "lastName": "J.", "name": "Alice J."}
        hidden = {"id": str(merchant.id), "email": None, "supportEmail": None}
        assert product_seen(client, product_id) == hidden | person
        own = product_seen(client, product_id, merchant)
        assert own == hidden | person | {"lastName": "Jones", "email": merchant.email}

    def test_a_shop_name_replaces_the_person_at_once(self, client: FlaskClient) -> None:
        merchant = factories.merchant()
        named(client, merchant, firstName="Alice", lastName="Jones")
        factories.product(merchant)
        assert "Alice J." in client.get(f"{API}/products").text

        change(client, merchant, **PROFILE)

        (product,) = client.get(f"{API}/products").json
        assert product["merchant"] == {
            "id": str(merchant.id),
            "email": None,
            "firstName": None,
            "lastName": None,
            "name": PROFILE["name"],
            "supportEmail": PROFILE["supportEmail"],
        }

    def test_an_order_tells_the_buyer_where_to_get_help(self, client: FlaskClient) -> None:
        merchant, buyer = factories.merchant(), factories.buyer()
        change(client, merchant, **PROFILE)
        named(client, buyer, firstName="Bob", lastName="Stone")
        body = {"productId": str(factories.product(merchant)), "paymentMethod": "WALLET"}
        made = client.post(f"{API}/orders", json=body, headers=buyer.headers).json

        seen = {
            caller: client.get(f"{API}/orders/{made['id']}", headers=caller.headers).json
            for caller in (buyer, merchant)
        }
        shop = {name: PROFILE[name] for name in ("name", "supportEmail")}
        for order in seen.values():
            assert order["merchant"] == {"id": str(merchant.id), **shop}
        assert [order["user"]["lastName"] for order in seen.values()] == ["Stone", "S."]

    def test_a_printed_code_and_its_page_show_the_shop(self, client: FlaskClient) -> None:
        merchant = factories.merchant()
        change(client, merchant, **PROFILE)
        code = client.post(f"{API}/merchant-codes", json={}, headers=merchant.headers).json

        printed = client.get(
            f"{API}/merchant-codes/{code['id']}/sheet.svg", headers=merchant.headers
        ).text
        page = client.get(f"/pay/{code['token']}").text
        for shown in (printed, page):
            assert PROFILE["name"] in shown
            assert PROFILE["supportEmail"] in shown

    def test_money_is_sent_to_the_shop(self, client: FlaskClient) -> None:
        merchant, buyer = factories.merchant(), factories.buyer()
        change(client, merchant, **PROFILE)
        to = {"userId": str(merchant.id)}
        found = client.get(
            f"{API}/transfers/recipient", query_string=to, headers=buyer.headers
        ).json
        body = {"recipient": to, "amount": "5.00"}
        sent = client.post(f"{API}/transfers", json=body, headers=buyer.headers).json

        assert found["name"] == sent["receiver"]["name"] == PROFILE["name"]
        assert sent["receiver"]["supportEmail"] == PROFILE["supportEmail"]
        line = client.get(f"{API}/wallet/transactions", headers=buyer.headers).json["data"][0]
        assert line["description"] == "To Corner Bakery"

    def test_pages_and_receipts_have_the_time_of_the_shop(self, client: FlaskClient) -> None:
        merchant, buyer = factories.merchant(), factories.buyer()
        change(client, merchant, timeZone="Asia/Kathmandu")
        body = {"productId": str(factories.product(merchant)), "paymentMethod": "WALLET"}
        order = client.post(f"{API}/orders", json=body, headers=buyer.headers).json
        asked = client.post(
            f"{API}/payment-requests", json={"amount": "1.00"}, headers=merchant.headers
        ).json

        def in_kathmandu(time: str) -> str:
            local = datetime.fromisoformat(time) + timedelta(hours=5, minutes=45)
            return f"{local:%B %-d, %Y, %-I:%M}"

        path = page_path(client, buyer, order["id"])
        for page in (path, f"{path}/receipt"):
            assert in_kathmandu(order["completedAt"]) in client.get(page).text
        assert in_kathmandu(asked["expiresAt"]) in client.get(f"/pay/{asked['token']}").text
