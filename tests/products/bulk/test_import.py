"""Imports that create and update products."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.products.bulk import repository
from app.products.bulk.preview import MAX_LISTED
from tests import factories
from tests.concurrency import broken_invariants
from tests.factories import Actor
from tests.orders.helpers import UNKNOWN, buy
from tests.products.bulk.helpers import (
    HEADER,
    counts,
    import_csv,
    own_products,
    problems,
    restocks,
    table_of,
)
from tests.products.helpers import create, names, patch
from tests.responses import refusal

CATEGORIES = "/api/v1/admin/categories"


class TestCreating:
    def test_a_row_creates_the_same_product_as_json(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        table = (
            f"{HEADER}\r\n"
            '"Guide, second","Says ""hello""\r\nin two lines",19.99,50,PLAIN,3,true\r\n'
            "Keys,,5,7,LICENCE,,false\r\n"
            "Codes,,25.5,,CODES,,\r\n"
            "Film,,9.90,1000,FILE,1,TRUE\r\n"
        )
        assert counts(import_csv(client, seller, table)) == (4, 0, 0)
        created = own_products(client, seller)

        other = factories.merchant()
        for fields in (
            {
                "name": "Guide, second",
                "description": 'Says "hello"\r\nin two lines',
                "price": "19.99",
                "availableUnits": 50,
                "purchaseLimit": 3,
            },
            {"name": "Keys", "price": "5", "availableUnits": 7, "kind": "LICENCE"},
            {"name": "Codes", "price": "25.5", "kind": "CODES", "availableUnits": 0},
            {
                "name": "Film",
                "price": "9.90",
                "availableUnits": 1000,
                "kind": "FILE",
                "purchaseLimit": 1,
            },
        ):
            assert create(client, other, **fields).status_code == 201
        own = {"id", "createdAt", "updatedAt", "merchantId", "merchant"}
        shapes, twins = (
            [{n: v for n, v in row.items() if n not in own} for row in rows]
            for rows in (created, own_products(client, other))
        )
        assert shapes == [row | {"isActive": row["name"] != "Keys"} for row in twins]
        assert [row["createdAt"] == row["updatedAt"] for row in created] == [True] * 4
        assert broken_invariants() == []

    def test_they_are_on_sale_immediately(self, client: FlaskClient, seller: Actor) -> None:
        assert names(client) == []
        import_csv(client, seller, "name,price,availableUnits\nGuide,5,1\n")
        assert names(client) == ["Guide"]

    @pytest.mark.parametrize(
        "table",
        [
            "availableUnits,price,name\n1,5,Guide",
            "\ufeffname,price,availableUnits\r\nGuide,5.00,1\r\n\r\n",
            " name , price , availableUnits \n Guide , 5 , 1 \n",
            '"name","price","availableUnits","description","purchaseLimit"\n"Guide","5","1","",""',
            "name,price,availableUnits,kind,isActive,currency,id,createdAt\nGuide,5,1,,,USD,,soon",
        ],
    )
    def test_columns_can_have_any_order_and_format(
        self, client: FlaskClient, seller: Actor, table: str
    ) -> None:
        assert counts(import_csv(client, seller, table)) == (1, 0, 0)
        (created,) = own_products(client, seller)
        found = (
            created["name"],
            created["price"],
            created["availableUnits"],
            created["description"],
        )
        assert found == ("Guide", "5.00", 1, None)

    def test_a_header_alone_changes_nothing(self, client: FlaskClient, seller: Actor) -> None:
        assert counts(import_csv(client, seller, HEADER)) == (0, 0, 0)


class TestUpdating:
    def test_only_fields_with_a_column_are_changed(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        before = create(client, seller, description="Old", purchaseLimit=2).json
        table = table_of([{"id": before["id"], "price": "12.50", "availableUnits": "8"}])

        assert counts(import_csv(client, seller, table)) == (0, 1, 0)

        (after,) = own_products(client, seller)
        assert after.pop("updatedAt") > before.pop("updatedAt")
        assert after == before | {"price": "12.50", "availableUnits": 8}
        assert restocks() == [3]
        assert broken_invariants() == []

    def test_an_empty_cell_clears_only_nullable_fields(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        before = create(client, seller, description="Old", purchaseLimit=2).json
        row = dict.fromkeys((*HEADER.split(","), "currency"), "") | {"id": before["id"]}

        assert counts(import_csv(client, seller, table_of([row]))) == (0, 1, 0)

        (after,) = own_products(client, seller)
        changed = {name for name, value in after.items() if value != before[name]}
        assert changed == {"description", "purchaseLimit", "updatedAt"}
        assert (after["description"], after["purchaseLimit"]) == (None, None)

    def test_an_import_can_create_and_update(self, client: FlaskClient, seller: Actor) -> None:
        one, two = (create(client, seller).json["id"] for _ in range(2))
        rows = [
            {"id": one, "name": "Changed", "price": "10.00", "availableUnits": "5"},
            {"id": "", "name": "New", "price": "1", "availableUnits": "1"},
            {"id": two, "name": "Course", "price": "10.00", "availableUnits": "5"},
        ]

        assert counts(import_csv(client, seller, table_of(rows))) == (1, 1, 1)
        assert [row["name"] for row in own_products(client, seller)] == ["Changed", "Course", "New"]

    def test_deactivating_takes_effect_immediately(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        created = create(client, seller).json
        assert names(client) == ["Course"]
        import_csv(client, seller, table_of([{"id": created["id"], "isActive": "FALSE"}]))
        assert names(client) == []

    def test_units_of_codes_cannot_be_set(self, client: FlaskClient, seller: Actor) -> None:
        created = create(client, seller, kind="CODES", availableUnits=0).json["id"]
        rows = [{"id": created, "availableUnits": "0", "kind": "CODES"}]
        assert counts(import_csv(client, seller, table_of(rows))) == (0, 0, 1)
        answer = import_csv(client, seller, table_of([{"id": created, "availableUnits": "1"}]))
        assert problems(answer) == {
            "line 2: availableUnits": [
                "The stock of this product is its unsold codes: upload or delete codes"
            ]
        }

    def test_unchanged_products_are_not_locked(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, two = (create(client, seller).json["id"] for _ in range(2))
        calls: list[tuple[list[str], bool]] = []
        real = repository.get_products

        def get_products(session: Any, ids: Any, *, lock: bool = False) -> Any:
            calls.append(([str(one) for one in ids], lock))
            return real(session, ids, lock=lock)

        monkeypatch.setattr(repository, "get_products", get_products)
        rows = [{"id": one, "price": "10"}, {"id": two, "price": "11"}]
        import_csv(client, seller, table_of(rows))

        assert [locked for ids, lock in calls if lock for locked in ids] == [two]


class TestDryRun:
    def test_it_reports_the_result_and_changes_nothing(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        created = create(client, seller).json
        rows = [
            {"id": created["id"], "name": "Changed", "price": "1", "availableUnits": "9"},
            {"id": "", "name": "New", "price": "1", "availableUnits": "1"},
        ]

        answer = import_csv(client, seller, table_of(rows), dryRun="true")

        assert counts(answer) == (1, 1, 0)
        assert (own_products(client, seller), restocks()) == ([created], [])

    def test_it_lists_what_would_change(self, client: FlaskClient, seller: Actor) -> None:
        created = create(client, seller, description="Old", metadata={"sku": "1"}).json
        table = (
            "id,name,description,price,availableUnits,isActive,metadata\r\n"
            f'{created["id"]},Course,,12.5,7,FALSE,"{{""sku"": ""2""}}"\r\n'
            f"{create(client, seller).json['id']},Course,,10,5,true,\r\n"
            ",New,,1,1,,\r\n"
        )

        answer = import_csv(client, seller, table, dryRun="true")

        assert counts(answer) == (1, 1, 1)
        assert answer.json["changes"] == [
            {
                "line": 2,
                "productId": created["id"],
                "name": "Course",
                "fields": [
                    {"field": "description", "before": "Old", "after": None},
                    {"field": "price", "before": "10.00", "after": "12.50"},
                    {"field": "availableUnits", "before": "5", "after": "7"},
                    {"field": "isActive", "before": "true", "after": "false"},
                    {"field": "metadata", "before": '{"sku":"1"}', "after": '{"sku":"2"}'},
                ],
            },
            {
                "line": 4,
                "productId": None,
                "name": "New",
                "fields": [
                    {"field": "name", "before": None, "after": "New"},
                    {"field": "price", "before": None, "after": "1.00"},
                    {"field": "availableUnits", "before": None, "after": "1"},
                    {"field": "kind", "before": None, "after": "PLAIN"},
                    {"field": "isActive", "before": None, "after": "true"},
                ],
            },
        ]

    def test_it_lists_categories_and_as_many_products_as_can_be_read(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        category = {"slug": "books", "name": "Books"}
        client.post(CATEGORIES, json=category, headers=factories.admin().headers)
        rows = [{"name": f"New {n}", "price": "1", "availableUnits": "1", "category": "books"}
                for n in range(MAX_LISTED + 1)]  # fmt: skip

        answer = import_csv(client, seller, table_of(rows), dryRun="true")

        assert counts(answer) == (MAX_LISTED + 1, 0, 0)
        assert len(answer.json["changes"]) == MAX_LISTED
        cell = {"field": "category", "before": None, "after": "books"}
        assert all(cell in change["fields"] for change in answer.json["changes"])

    def test_it_reports_problems(self, client: FlaskClient, seller: Actor) -> None:
        rows = [{"id": UNKNOWN, "name": "Changed"}]
        answer = import_csv(client, seller, table_of(rows), dryRun="true")
        assert problems(answer) == {"line 2: id": ["Product not found"]}

    def test_it_must_be_true_or_false(self, client: FlaskClient, seller: Actor) -> None:
        answer = import_csv(client, seller, HEADER, dryRun="maybe")
        assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_units_sold_since_the_export_are_restocked(client: FlaskClient, seller: Actor) -> None:
    created = create(client, seller, availableUnits=5).json["id"]
    buy(client, factories.buyer(), created, quantity=2)
    patch(client, seller, created, availableUnits=4)

    answer = import_csv(client, seller, table_of([{"id": created, "availableUnits": "10"}]))

    assert counts(answer) == (0, 1, 0)
    assert own_products(client, seller)[0]["availableUnits"] == 10
    assert sorted(restocks()) == [1, 6]
    assert broken_invariants() == []
