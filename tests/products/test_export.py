"""A merchant's products as a table, and back again."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.common import db
from app.common.csv_documents import TRUNCATED
from app.products import documents, service
from tests import factories
from tests.answers import refusal
from tests.factories import Actor
from tests.products.helpers import PRODUCTS, create
from tests.products.tables import (
    counts,
    export,
    mine,
    problems,
    rows_of,
    send,
    table_of,
)

WILD = [
    "=HYPERLINK(1)",
    "'=1",
    "''+2",
    "'tis",
    "-5 %",
    "@home",
    "\uff1dwide",
    'quote " and, comma',
    "two\r\nlines",
    "one\rreturn",
    "Ünïcødé 🦉",
]


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


def test_a_line_says_what_an_import_can_say(client: FlaskClient, seller: Actor) -> None:
    made = create(client, seller, description="Birds", purchaseLimit=3, price="19.9").json

    answer = export(client, seller)

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="products.csv"'
    assert rows_of(answer) == [
        {
            "id": made["id"],
            "name": "Course",
            "description": "Birds",
            "price": "19.90",
            "currency": "USD",
            "availableUnits": "5",
            "kind": "PLAIN",
            "purchaseLimit": "3",
            "isActive": "true",
            "createdAt": made["createdAt"],
        }
    ]


def test_sent_back_it_changes_nothing(client: FlaskClient, seller: Actor) -> None:
    for number, wild in enumerate(WILD):
        create(client, seller, name=wild, description=WILD[-number], purchaseLimit=number + 1)
    for kind in ("LICENCE", "FILE"):
        create(client, seller, kind=kind)
    create(client, seller, kind="CODES", availableUnits=0)
    before = mine(client, seller)
    table = export(client, seller)

    assert counts(send(client, seller, table.data)) == (0, 0, len(before))
    assert mine(client, seller) == before
    assert [row["name"] for row in before][: len(WILD)] == WILD


def test_no_spreadsheet_takes_a_text_for_a_formula(client: FlaskClient, seller: Actor) -> None:
    for wild in WILD:
        create(client, seller, name=wild, description=wild)

    for row in rows_of(export(client, seller)):
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))


def test_as_new_products_it_makes_the_same_again(client: FlaskClient, seller: Actor) -> None:
    for wild in WILD:
        create(client, seller, name=wild, description=wild)
    rows = [row | {"id": ""} for row in rows_of(export(client, seller))]
    other = factories.merchant()

    assert counts(send(client, other, table_of(rows))) == (len(WILD), 0, 0)
    assert [(row["name"], row["description"]) for row in mine(client, other)] == [
        (wild, wild) for wild in reversed(WILD)
    ]


def test_codes_have_no_units_and_deleted_ones_are_left_out(
    client: FlaskClient, seller: Actor
) -> None:
    create(client, seller, name="Codes", kind="CODES", availableUnits=0)
    gone = create(client, seller, name="Gone").json["id"]
    client.delete(f"{PRODUCTS}/{gone}", headers=seller.headers)
    create(client, factories.merchant(), name="Theirs")
    with db.transaction() as session:
        session.execute(text("UPDATE products SET available_units = 7 WHERE kind = 'CODES'"))

    (row,) = rows_of(export(client, seller))

    assert (row["name"], row["availableUnits"]) == ("Codes", "")


def test_an_empty_shop_is_a_header(client: FlaskClient, seller: Actor) -> None:
    answer = export(client, seller)
    assert answer.data == (",".join(documents.CSV_HEAD) + "\r\n").encode()
    assert counts(send(client, seller, answer.data)) == (0, 0, 0)


def test_a_table_that_broke_off_is_not_taken_in(client: FlaskClient, seller: Actor) -> None:
    create(client, seller)
    table = export(client, seller).data + TRUNCATED
    assert problems(send(client, seller, table)) == {"line 3": ["1 cells, but the header has 10."]}


class TestLongOnes:
    @pytest.fixture(autouse=True)
    def small_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "PIECE", 2)

    @pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
    def test_piece_by_piece_every_product_comes_once_newest_first(
        self, client: FlaskClient, seller: Actor, count: int
    ) -> None:
        for number in range(count):
            create(client, seller, name=f"P{number}")

        names = [row["name"] for row in rows_of(export(client, seller))]

        assert names == [f"P{number}" for number in reversed(range(count))]

    def test_one_for_each_caller(self, client: FlaskClient, seller: Actor) -> None:
        for _ in range(3):
            create(client, seller)
        path = f"{PRODUCTS}/merchant/export"
        with client.get(path, headers=seller.headers) as begun:
            assert begun.status_code == 200
            assert refusal(client.get(path, headers=seller.headers)) == (503, "BUSY")
        assert len(rows_of(export(client, seller))) == 3
