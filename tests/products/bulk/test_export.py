"""Export of products, and its import."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.common import db
from app.common.csv_documents import TRUNCATED
from app.products.bulk import csv_format, service
from tests import factories
from tests.factories import Actor
from tests.products.bulk.helpers import (
    counts,
    export,
    import_csv,
    own_products,
    problems,
    rows_of,
    table_of,
)
from tests.products.helpers import PRODUCTS, create
from tests.responses import refusal

SPECIAL_TEXTS = [
    "=HYPERLINK(1)",
    "'=1",
    "''+2",
    "'tis",
    "-5 %",
    "@home",
    "\uff1dwide",
    'quote " and, comma',
    "a;=1+1",
    "Ünïcødé 🦉",
]


def test_a_row_has_all_columns_of_an_import(client: FlaskClient, seller: Actor) -> None:
    created = create(client, seller, description="Birds", purchaseLimit=3, price="19.9").json

    answer = export(client, seller)

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="products.csv"'
    assert rows_of(answer) == [
        {
            "id": created["id"],
            "name": "Course",
            "description": "Birds",
            "price": "19.90",
            "currency": "USD",
            "availableUnits": "5",
            "kind": "PLAIN",
            "purchaseLimit": "3",
            "isActive": "true",
            "metadata": "",
            "createdAt": created["createdAt"],
            "category": "",
        }
    ]


def test_importing_an_export_has_no_effect(client: FlaskClient, seller: Actor) -> None:
    for number, special in enumerate(SPECIAL_TEXTS):
        create(
            client,
            seller,
            name=special,
            description=SPECIAL_TEXTS[-number],
            purchaseLimit=number + 1,
        )
    for kind in ("LICENCE", "FILE"):
        create(client, seller, kind=kind)
    create(client, seller, kind="CODES", availableUnits=0)
    before = own_products(client, seller)
    table = export(client, seller)

    assert counts(import_csv(client, seller, table.data)) == (0, 0, len(before))
    assert own_products(client, seller) == before
    assert [row["name"] for row in before][: len(SPECIAL_TEXTS)] == SPECIAL_TEXTS


def test_no_text_is_a_formula_to_a_spreadsheet(client: FlaskClient, seller: Actor) -> None:
    for special in SPECIAL_TEXTS:
        create(client, seller, name=special, description=special)

    for row in rows_of(export(client, seller)):
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))


def test_importing_it_as_new_products_copies_them(client: FlaskClient, seller: Actor) -> None:
    for special in SPECIAL_TEXTS:
        create(client, seller, name=special, description=special)
    rows = [row | {"id": ""} for row in rows_of(export(client, seller))]
    other = factories.merchant()

    assert counts(import_csv(client, other, table_of(rows))) == (len(SPECIAL_TEXTS), 0, 0)
    assert [(row["name"], row["description"]) for row in own_products(client, other)] == [
        (special, special) for special in reversed(SPECIAL_TEXTS)
    ]


def test_units_of_codes_and_deleted_products_are_omitted(
    client: FlaskClient, seller: Actor
) -> None:
    create(client, seller, name="Codes", kind="CODES", availableUnits=0)
    deleted = create(client, seller, name="Deleted").json["id"]
    client.delete(f"{PRODUCTS}/{deleted}", headers=seller.headers)
    create(client, factories.merchant(), name="Theirs")
    with db.transaction() as session:
        session.execute(text("UPDATE products SET available_units = 7 WHERE kind = 'CODES'"))

    (row,) = rows_of(export(client, seller))

    assert (row["name"], row["availableUnits"]) == ("Codes", "")


def test_without_products_there_is_only_a_header(client: FlaskClient, seller: Actor) -> None:
    answer = export(client, seller)
    assert answer.data == ("\ufeff" + ",".join(csv_format.COLUMNS) + "\r\n").encode()
    assert counts(import_csv(client, seller, answer.data)) == (0, 0, 0)


def test_a_truncated_export_cannot_be_imported(client: FlaskClient, seller: Actor) -> None:
    create(client, seller)
    table = export(client, seller).data + TRUNCATED
    assert problems(import_csv(client, seller, table)) == {
        "line 3": ["The row has 1 cell, but the header has 12."]
    }


def test_a_row_that_was_cut_off_changes_nothing(client: FlaskClient, seller: Actor) -> None:
    create(client, seller, description="Birds of Europe", purchaseLimit=3, metadata={"sku": "1"})
    table = export(client, seller).data
    before = own_products(client, seller)
    for end in (table.index(b",Course"), table.index(b" of Europe"), table.rindex(b",")):
        assert list(problems(import_csv(client, seller, table[:end]))) == ["line 2"]
    import_csv(client, seller, table[: table.rindex(b",") + 1])
    assert own_products(client, seller) == before


class TestBatches:
    @pytest.fixture(autouse=True)
    def batches_of_two(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "BATCH_SIZE", 2)

    @pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
    def test_every_product_is_exported_once_newest_first(
        self, client: FlaskClient, seller: Actor, count: int
    ) -> None:
        for number in range(count):
            create(client, seller, name=f"P{number}")

        names = [row["name"] for row in rows_of(export(client, seller))]

        assert names == [f"P{number}" for number in reversed(range(count))]

    def test_each_merchant_has_at_most_one_export_in_progress(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        for _ in range(3):
            create(client, seller)
        path = f"{PRODUCTS}/merchant/export"
        with client.get(path, headers=seller.headers) as first:
            assert first.status_code == 200
            assert refusal(client.get(path, headers=seller.headers)) == (503, "BUSY")
        assert len(rows_of(export(client, seller))) == 3
