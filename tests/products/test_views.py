"""Products, over HTTP."""

import csv
import io
import re
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.auth.models import Role
from app.common import db
from app.products.models import Product, Restock
from tests import factories
from tests.factories import Actor
from tests.products.helpers import PRODUCTS, UNKNOWN, create, names, order, patch
from tests.responses import TIME, UUID_TEXT, error_body, refusal


class TestCreating:
    def test_the_response_contains_every_field_of_the_product(self, client: FlaskClient) -> None:
        seller = factories.merchant()

        answer = create(client, seller, price=179.99, description="Twelve hours")

        assert answer.status_code == 201
        assert re.fullmatch(
            rf'{{"id":"{UUID_TEXT}","name":"Course","description":"Twelve hours",'
            r'"price":"179.99","currency":"USD","availableUnits":5,"initialUnits":5,'
            rf'"isActive":true,"createdAt":"{TIME}","updatedAt":"{TIME}","deletedAt":null,'
            rf'"merchantId":"{seller.id}","merchant":{{"id":"{seller.id}",'
            rf'"email":"{re.escape(seller.email)}","firstName":null,"lastName":null,'
            r'"name":"Merchant [0-9A-F]{6}","supportEmail":null},'
            r'"kind":"PLAIN","isReady":true,"purchaseLimit":null,"reservationLimit":null,'
            r'"category":null,"images":\[\],"metadata":null}',
            answer.text,
        )

    def test_it_is_listed_immediately(self, client: FlaskClient) -> None:
        assert names(client) == []

        create(client, factories.merchant())

        assert names(client) == ["Course"]

    def test_a_product_without_units_is_not_listed(self, client: FlaskClient) -> None:
        answer = create(client, factories.merchant(), availableUnits=0)

        assert answer.status_code == 201
        assert names(client) == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "   "),
            ("name", 5),
            ("name", None),
            ("name", "x" * 201),
            ("description", 5),
            ("description", "x" * 5001),
            ("price", 0),
            ("price", "-1.00"),
            ("price", "1.005"),
            ("price", None),
            ("price", True),
            ("price", "free"),
            ("price", "92233720368547758.08"),
            ("availableUnits", -1),
            ("availableUnits", 1.0),
            ("availableUnits", 1.5),
            ("availableUnits", "5"),
            ("availableUnits", True),
            ("availableUnits", None),
            ("availableUnits", 2**31),
            ("merchantId", UNKNOWN),
            ("isActive", False),
        ],
    )
    def test_an_invalid_product_is_refused(
        self, client: FlaskClient, field: str, value: Any
    ) -> None:
        answer = create(client, factories.merchant(), **{field: value})

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    @pytest.mark.parametrize("role", [Role.USER, Role.ADMIN])
    def test_only_merchants_can_create_one(self, client: FlaskClient, role: Role) -> None:
        answer = create(client, factories.actor(role))

        assert refusal(answer) == (403, "FORBIDDEN")
        assert answer.json["message"] == "Access denied. Required roles: MERCHANT"

    def test_it_requires_authentication(self, client: FlaskClient) -> None:
        assert refusal(client.post(PRODUCTS, json={})) == (401, "UNAUTHORIZED")


class TestGetting:
    def test_it_is_public_without_the_merchants_email(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())

        for headers in ({}, factories.actor().headers):
            answer = client.get(f"{PRODUCTS}/{product_id}", headers=headers)
            assert answer.status_code == 200
            assert answer.json["merchant"]["email"] is None

    def test_its_merchant_sees_their_email(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)

        answer = client.get(f"{PRODUCTS}/{product_id}", headers=seller.headers)

        assert answer.json["merchant"]["email"] == seller.email

    def test_a_public_email_is_shown(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        client.patch("/api/v1/auth/me", json={"emailPublic": True}, headers=seller.headers)

        assert client.get(f"{PRODUCTS}/{product_id}").json["merchant"]["email"] == seller.email
        assert client.get(PRODUCTS).json[0]["merchant"]["email"] == seller.email

    def test_a_private_email_disappears_from_the_list_immediately(
        self, client: FlaskClient
    ) -> None:
        seller = factories.merchant()
        factories.product(seller)
        client.patch("/api/v1/auth/me", json={"emailPublic": True}, headers=seller.headers)
        assert client.get(PRODUCTS).json[0]["merchant"]["email"] == seller.email

        client.patch("/api/v1/auth/me", json={"emailPublic": False}, headers=seller.headers)

        assert client.get(PRODUCTS).json[0]["merchant"]["email"] is None

    def test_it_reflects_the_last_purchase(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant(), units=5)
        assert client.get(f"{PRODUCTS}/{product_id}").json["availableUnits"] == 5

        order(client, factories.buyer(), product_id, 2)

        assert client.get(f"{PRODUCTS}/{product_id}").json["availableUnits"] == 3

    def test_sold_out_and_inactive_products_can_be_retrieved(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        sold_out = factories.product(seller, units=0)
        inactive = factories.product(seller)
        patch(client, seller, inactive, isActive=False)

        for product_id in (sold_out, inactive):
            assert client.get(f"{PRODUCTS}/{product_id}").status_code == 200

    def test_a_deleted_product_is_visible_only_to_its_merchant(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        client.delete(f"{PRODUCTS}/{product_id}", headers=seller.headers)

        for headers in ({}, factories.merchant().headers, {"Authorization": "Bearer x"}):
            answer = client.get(f"{PRODUCTS}/{product_id}", headers=headers)
            assert refusal(answer) == (404, "PRODUCT_NOT_FOUND")
        own = client.get(f"{PRODUCTS}/{product_id}", headers=seller.headers)
        assert own.status_code == 200
        assert own.json["deletedAt"] is not None

    def test_an_unknown_product_is_404(self, client: FlaskClient) -> None:
        assert refusal(client.get(f"{PRODUCTS}/{UNKNOWN}")) == (404, "PRODUCT_NOT_FOUND")

    @pytest.mark.parametrize("product_id", ["1", "abc", "null", UNKNOWN[:-1], "%00", "..", "é"])
    def test_a_malformed_id_is_404_too(self, client: FlaskClient, product_id: str) -> None:
        answer = client.get(f"{PRODUCTS}/{product_id}")

        assert answer.status_code == 404
        assert answer.json["error"] == "NOT_FOUND"

    def test_an_etag_matches_until_the_response_changes(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)
        etag = client.get(f"{PRODUCTS}/{product_id}").headers["ETag"]

        again = client.get(f"{PRODUCTS}/{product_id}", headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
        patch(client, seller, product_id, price="11.00")
        changed = client.get(f"{PRODUCTS}/{product_id}", headers={"If-None-Match": etag})

        assert changed.status_code == 200
        assert changed.json["price"] == "11.00"
        assert changed.headers["ETag"] != etag


class TestMyProducts:
    def read(self, client: FlaskClient, seller: Actor, **query: Any) -> TestResponse:
        return client.get(
            f"{PRODUCTS}/merchant/my-products", query_string=query, headers=seller.headers
        )

    def test_only_own_products_are_listed_newest_first(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        factories.product(seller, name="sold out", units=0)
        inactive = factories.product(seller, name="inactive")
        factories.product(factories.merchant(), name="another's")
        patch(client, seller, inactive, isActive=False)

        rows = self.read(client, seller).json

        assert [row["name"] for row in rows] == ["inactive", "sold out"]
        assert rows[0]["merchant"]["email"] == seller.email

    def test_deleted_products_are_listed_on_request(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller, name="deleted")
        client.delete(f"{PRODUCTS}/{product_id}", headers=seller.headers)

        assert self.read(client, seller).json == []
        assert self.read(client, seller, includeDeleted="false").json == []
        (row,) = self.read(client, seller, includeDeleted="true").json
        assert row["deletedAt"] is not None

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"availability": "ON_SALE"}, ["Café", "Guide"]),
            ({"availability": "SOLD_OUT"}, ["sold out"]),
            ({"availability": "NOT_READY"}, ["Film"]),
            ({"availability": "INACTIVE"}, ["inactive"]),
            ({"availability": "INACTIVE", "includeDeleted": "true"}, ["inactive"]),
            ({"kind": "FILE"}, ["Film"]),
            ({"q": "cafe"}, ["Café"]),
            ({"q": "nothing"}, []),
            ({"maxUnits": 2}, ["Café", "sold out"]),
            ({"maxUnits": 2, "availability": "ON_SALE"}, ["Café"]),
        ],
    )
    def test_filters_apply_to_the_list_and_its_export(
        self, client: FlaskClient, filters: dict[str, Any], expected: list[str]
    ) -> None:
        seller = factories.merchant()
        deleted = factories.product(seller, name="deleted")
        client.delete(f"{PRODUCTS}/{deleted}", headers=seller.headers)
        patch(client, seller, factories.product(seller, name="inactive"), isActive=False)
        factories.product(seller, name="sold out", units=0)
        create(client, seller, name="Film", kind="FILE")
        factories.product(seller, name="Guide", units=3)
        factories.product(seller, name="Café", units=2)
        factories.product(factories.merchant(), name="Café", units=2)

        assert [row["name"] for row in self.read(client, seller, **filters).json] == expected
        exported = client.get(
            f"{PRODUCTS}/merchant/export",
            query_string={name: value for name, value in filters.items() if name[0] != "i"},
            headers=seller.headers,
            buffered=True,
        )
        rows = csv.DictReader(io.StringIO(exported.data.decode("utf-8-sig"), newline=""))
        assert [row["name"] for row in rows] == expected

    @pytest.mark.parametrize("value", ["1", "yes", "TRUE", ""])
    def test_include_deleted_must_be_true_or_false(self, client: FlaskClient, value: str) -> None:
        answer = self.read(client, factories.merchant(), includeDeleted=value)

        assert refusal(answer) == (400, "VALIDATION_ERROR")

    def test_users_cannot_list_them(self, client: FlaskClient) -> None:
        assert refusal(self.read(client, factories.actor())) == (403, "FORBIDDEN")


class TestUpdating:
    def test_omitted_fields_do_not_change(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        before = create(client, seller, description="Text").json

        after = patch(client, seller, before["id"], price="12.50").json

        assert after.pop("updatedAt") >= before.pop("updatedAt")
        assert after == before | {"price": "12.50"}

    def test_a_description_can_be_cleared(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = create(client, seller, description="Text").json["id"]

        assert patch(client, seller, product_id, description=None).json["description"] is None

    def test_a_restock_is_recorded_as_a_difference(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller, units=5)

        for units in (8, 8, 2):
            answer = patch(client, seller, product_id, availableUnits=units)
            assert answer.json["availableUnits"] == units

        with db.transaction() as session:
            rows = session.scalars(select(Restock).order_by(Restock.id)).all()
            product = session.get_one(Product, product_id)
        assert [(row.delta, row.actor_id) for row in rows] == [(3, seller.id), (-6, seller.id)]
        assert product.initial_units == 5

    def test_other_changes_are_no_restock(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        patch(client, seller, factories.product(seller), name="New", price="3.00")

        with db.transaction() as session:
            assert session.scalars(select(Restock)).all() == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", None),
            ("name", ""),
            ("price", None),
            ("price", 0),
            ("price", "0.001"),
            ("availableUnits", -1),
            ("availableUnits", None),
            ("availableUnits", "5"),
            ("isActive", None),
            ("isActive", "true"),
            ("isActive", 1),
            ("currency", "EUR"),
            ("merchantId", UNKNOWN),
            ("initialUnits", 1),
            ("deletedAt", None),
        ],
    )
    def test_an_invalid_change_is_refused(
        self, client: FlaskClient, field: str, value: Any
    ) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)

        answer = patch(client, seller, product_id, **{field: value})

        assert refusal(answer) == (400, "VALIDATION_ERROR")
        assert list(answer.json["details"]) == [field]

    def test_another_merchants_product_is_refused(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())

        answer = patch(client, factories.merchant(), product_id, name="Mine now")

        assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        assert client.get(f"{PRODUCTS}/{product_id}").json["name"] == "Course"

    def test_users_are_refused(self, client: FlaskClient) -> None:
        answer = patch(client, factories.actor(), factories.product(factories.merchant()))

        assert refusal(answer) == (403, "FORBIDDEN")

    def test_unknown_and_deleted_products_are_404(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        deleted = factories.product(seller)
        client.delete(f"{PRODUCTS}/{deleted}", headers=seller.headers)

        for product_id in (UNKNOWN, deleted):
            answer = patch(client, seller, product_id, isActive=True)
            assert refusal(answer) == (404, "PRODUCT_NOT_FOUND")


class TestDeleting:
    def delete(self, client: FlaskClient, seller: Actor, product_id: UUID | str) -> TestResponse:
        return client.delete(f"{PRODUCTS}/{product_id}", headers=seller.headers)

    def test_a_deleted_product_is_no_longer_on_sale(self, client: FlaskClient) -> None:
        seller = factories.merchant()
        product_id = factories.product(seller)

        answer = self.delete(client, seller, product_id)

        assert answer.status_code == 200
        assert answer.text == '{"message":"Product deleted successfully"}'
        assert client.get(f"{PRODUCTS}/{product_id}").status_code == 404
        assert refusal(self.delete(client, seller, product_id)) == (404, "PRODUCT_NOT_FOUND")

    def test_orders_still_show_a_deleted_product(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller)
        order_id = order(client, buyer, product_id).json["id"]

        self.delete(client, seller, product_id)

        kept = client.get(f"/api/v1/orders/{order_id}", headers=buyer.headers)
        assert kept.json["product"]["name"] == "Course"

    def test_another_merchants_product_is_refused(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())

        answer = self.delete(client, factories.merchant(), product_id)

        assert refusal(answer) == (403, "UNAUTHORIZED_PRODUCT_ACCESS")
        assert error_body(answer)["message"] == "You are not the owner of this product"
        assert client.get(f"{PRODUCTS}/{product_id}").status_code == 200

    def test_an_unknown_product_is_404(self, client: FlaskClient) -> None:
        answer = self.delete(client, factories.merchant(), UNKNOWN)

        assert refusal(answer) == (404, "PRODUCT_NOT_FOUND")
