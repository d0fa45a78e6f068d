"""Reading orders, over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.auth.models import Role
from app.common import db
from app.wallets.models import JournalEntry
from tests import factories
from tests.factories import Actor
from tests.lists import pages_of
from tests.orders.helpers import ORDERS, UNKNOWN, buy
from tests.responses import refusal


class TestListingOrders:
    def read(self, client: FlaskClient, user: Actor, **query: Any) -> TestResponse:
        return client.get(ORDERS, query_string=query, headers=user.headers)

    def test_the_list_is_newest_first_and_has_the_fields_of_a_purchase(
        self, client: FlaskClient
    ) -> None:
        buyer = factories.buyer()
        product_id = factories.product(factories.merchant())
        made = [buy(client, buyer, product_id).json for _ in range(3)]

        answer = self.read(client, buyer)

        assert answer.json["data"] == made[::-1]
        assert list(answer.json["data"][0]) == list(made[0])
        assert answer.text.endswith(
            '"meta":{"total":3,"page":1,"limit":20,"totalPages":1,"nextCursor":null,'
            '"totalIsCapped":false}}'
        )

    def test_orders_of_other_users_are_not_listed(self, client: FlaskClient) -> None:
        product_id = factories.product(factories.merchant())
        buy(client, factories.buyer(), product_id)

        assert self.read(client, factories.buyer()).json["data"] == []

    def test_pages_are_selected_by_number(self, client: FlaskClient) -> None:
        buyer = factories.buyer()
        product_id = factories.product(factories.merchant())
        ids = [buy(client, buyer, product_id).json["id"] for _ in range(3)][::-1]

        pages = [
            [row["id"] for row in self.read(client, buyer, page=page, limit=2).json["data"]]
            for page in (1, 2, 3)
        ]

        assert pages == [ids[:2], ids[2:], []]

    @pytest.mark.parametrize("limit", [1, 2, 4])
    def test_cursor_pages_contain_each_order_once_while_orders_are_added(
        self, client: FlaskClient, limit: int
    ) -> None:
        buyer = factories.buyer()
        product_id = factories.product(factories.merchant(), price="0.01", units=100)
        ids = [buy(client, buyer, product_id).json["id"] for _ in range(4)][::-1]
        listed: list[str] = []

        for page in pages_of(client, buyer, ORDERS, limit=limit):
            listed += [row["id"] for row in page["data"]]
            buy(client, buyer, product_id)

        assert listed == ids

    @pytest.mark.parametrize(
        "query",
        [{"limit": "0"}, {"limit": "101"}, {"page": "abc"}, {"page": "0"}, {"cursor": "x"}],
        ids=str,
    )
    def test_invalid_page_arguments_are_refused(
        self, client: FlaskClient, query: dict[str, str]
    ) -> None:
        assert refusal(self.read(client, factories.actor(), **query)) == (400, "VALIDATION_ERROR")


class TestListingSales:
    def read(self, client: FlaskClient, user: Actor) -> TestResponse:
        return client.get(f"{ORDERS}/merchant/sales", headers=user.headers)

    def test_each_sale_has_its_buyer(self, client: FlaskClient) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        made = buy(client, buyer, factories.product(seller)).json

        (row,) = self.read(client, seller).json["data"]

        assert row == made
        assert row["user"] == {"id": str(buyer.id), "email": buyer.email}

    def test_sales_of_other_merchants_are_not_listed(self, client: FlaskClient) -> None:
        buy(client, factories.buyer(), factories.product(factories.merchant()))

        assert self.read(client, factories.merchant()).json["data"] == []

    def test_users_cannot_list_sales(self, client: FlaskClient) -> None:
        answer = self.read(client, factories.actor())

        assert refusal(answer) == (403, "FORBIDDEN")
        assert answer.json["message"] == "Access denied. Required roles: MERCHANT"


class TestReading:
    def test_buyer_and_merchant_read_the_order_with_the_full_product(
        self, client: FlaskClient
    ) -> None:
        seller, buyer = factories.merchant(), factories.buyer()
        product_id = factories.product(seller)
        made = buy(client, buyer, product_id).json

        for user in (buyer, seller):
            order = client.get(f"{ORDERS}/{made['id']}", headers=user.headers).json
            assert list(order) == [*made, "merchant"]
            assert list(order["product"]) == [
                "id",
                "name",
                "description",
                "price",
                "currency",
                "availableUnits",
                "initialUnits",
                "isActive",
                "createdAt",
                "updatedAt",
                "deletedAt",
                "merchantId",
                "kind",
                "isReady",
                "purchaseLimit",
                "reservationLimit",
            ]
            assert list(order["user"]) == ["id", "email", "firstName", "lastName"]
            nested = {"product", "user", "merchant"}
            assert {n: v for n, v in order.items() if n not in nested} == {
                n: v for n, v in made.items() if n not in nested
            }

    @pytest.mark.parametrize("role", list(Role))
    def test_other_users_do_not_find_the_order(self, client: FlaskClient, role: Role) -> None:
        order_id = buy(client, factories.buyer(), factories.product(factories.merchant())).json[
            "id"
        ]

        answer = client.get(f"{ORDERS}/{order_id}", headers=factories.actor(role).headers)

        assert refusal(answer) == (404, "ORDER_NOT_FOUND")

    def test_an_unknown_order_is_not_found(self, client: FlaskClient) -> None:
        answer = client.get(f"{ORDERS}/{UNKNOWN}", headers=factories.actor().headers)

        assert refusal(answer) == (404, "ORDER_NOT_FOUND")

    @pytest.mark.parametrize("order_id", ["1", "abc", UNKNOWN[:-1], "%00"])
    def test_a_malformed_id_is_not_found(self, client: FlaskClient, order_id: str) -> None:
        answer = client.get(f"{ORDERS}/{order_id}", headers=factories.actor().headers)

        assert (answer.status_code, answer.json["error"]) == (404, "NOT_FOUND")


class TestJournal:
    def test_refusals_leave_no_journal_entry(self, client: FlaskClient) -> None:
        buyer = factories.buyer("5.00")
        product_id = factories.product(factories.merchant(), price="10.00")
        with db.transaction() as session:
            before = session.scalar(select(func.count()).select_from(JournalEntry))

        for _ in range(3):
            buy(client, buyer, product_id)

        with db.transaction() as session:
            assert session.scalar(select(func.count()).select_from(JournalEntry)) == before
