"""Many products at once, over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from app.common import db
from app.products import bulk_views, documents, repository
from app.products.models import Product, Restock
from tests import factories
from tests.answers import refusal
from tests.concurrency import broken
from tests.factories import Actor
from tests.orders.helpers import UNKNOWN, buy
from tests.products.helpers import PRODUCTS, create, names, patch
from tests.products.tables import HEAD, counts, export, mine, problems, send, table_of


@pytest.fixture
def seller(client: FlaskClient) -> Actor:
    return factories.merchant()


def products() -> int:
    with db.transaction() as session:
        return session.scalar(select(func.count()).select_from(Product)) or 0


def restocks() -> list[int]:
    with db.transaction() as session:
        return list(session.scalars(select(Restock.delta)))


class TestNewOnes:
    def test_a_row_is_what_the_same_json_would_be(self, client: FlaskClient, seller: Actor) -> None:
        table = (
            f"{HEAD}\r\n"
            '"Guide, second","Says ""hello""\r\nin two lines",19.99,50,PLAIN,3,true\r\n'
            "Keys,,5,7,LICENCE,,false\r\n"
            "Codes,,25.5,,CODES,,\r\n"
            "Film,,9.90,1000,FILE,1,TRUE\r\n"
        )
        assert counts(send(client, seller, table)) == (4, 0, 0)
        made = mine(client, seller)

        twin = factories.merchant()
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
            assert create(client, twin, **fields).status_code == 201
        own = {"id", "createdAt", "updatedAt", "merchantId", "merchant"}
        shapes, twins = (
            [{n: v for n, v in row.items() if n not in own} for row in rows]
            for rows in (made, mine(client, twin))
        )
        assert shapes == [row | {"isActive": row["name"] != "Keys"} for row in twins]
        assert [row["createdAt"] == row["updatedAt"] for row in made] == [True] * 4
        assert broken() == []

    def test_they_are_on_sale_at_once(self, client: FlaskClient, seller: Actor) -> None:
        assert names(client) == []
        send(client, seller, "name,price,availableUnits\nGuide,5,1\n")
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
    def test_columns_come_in_any_order_and_dress(
        self, client: FlaskClient, seller: Actor, table: str
    ) -> None:
        assert counts(send(client, seller, table)) == (1, 0, 0)
        (made,) = mine(client, seller)
        found = (made["name"], made["price"], made["availableUnits"], made["description"])
        assert found == ("Guide", "5.00", 1, None)

    def test_a_header_alone_changes_nothing(self, client: FlaskClient, seller: Actor) -> None:
        assert counts(send(client, seller, HEAD)) == (0, 0, 0)


class TestChanges:
    def test_only_what_there_is_a_column_for(self, client: FlaskClient, seller: Actor) -> None:
        before = create(client, seller, description="Old", purchaseLimit=2).json
        table = table_of([{"id": before["id"], "price": "12.50", "availableUnits": "8"}])

        assert counts(send(client, seller, table)) == (0, 1, 0)

        (after,) = mine(client, seller)
        assert after.pop("updatedAt") > before.pop("updatedAt")
        assert after == before | {"price": "12.50", "availableUnits": 8}
        assert restocks() == [3]
        assert broken() == []

    def test_an_empty_cell_takes_away_what_may_be_missing_and_leaves_the_rest(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        before = create(client, seller, description="Old", purchaseLimit=2).json
        row = dict.fromkeys((*HEAD.split(","), "currency"), "") | {"id": before["id"]}

        assert counts(send(client, seller, table_of([row]))) == (0, 1, 0)

        (after,) = mine(client, seller)
        changed = {name for name, value in after.items() if value != before[name]}
        assert changed == {"description", "purchaseLimit", "updatedAt"}
        assert (after["description"], after["purchaseLimit"]) == (None, None)

    def test_new_ones_and_changes_in_one_table(self, client: FlaskClient, seller: Actor) -> None:
        one, two = (create(client, seller).json["id"] for _ in range(2))
        rows = [
            {"id": one, "name": "Changed", "price": "10.00", "availableUnits": "5"},
            {"id": "", "name": "New", "price": "1", "availableUnits": "1"},
            {"id": two, "name": "Course", "price": "10.00", "availableUnits": "5"},
        ]

        assert counts(send(client, seller, table_of(rows))) == (1, 1, 1)
        assert [row["name"] for row in mine(client, seller)] == ["Changed", "Course", "New"]

    def test_what_takes_a_product_off_the_shelf_shows_at_once(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        made = create(client, seller).json
        assert names(client) == ["Course"]
        send(client, seller, table_of([{"id": made["id"], "isActive": "FALSE"}]))
        assert names(client) == []

    def test_units_of_codes_stay_what_they_are(self, client: FlaskClient, seller: Actor) -> None:
        made = create(client, seller, kind="CODES", availableUnits=0).json["id"]
        rows = [{"id": made, "availableUnits": "0", "kind": "CODES"}]
        assert counts(send(client, seller, table_of(rows))) == (0, 0, 1)
        assert problems(send(client, seller, table_of([{"id": made, "availableUnits": "1"}]))) == {
            "line 2: availableUnits": [
                "The stock of this product is its unsold codes: upload or remove codes"
            ]
        }

    def test_what_is_unchanged_is_not_even_locked(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, two = (create(client, seller).json["id"] for _ in range(2))
        asked: list[tuple[list[str], bool]] = []
        real = repository.own_rows

        def own_rows(session: Any, ids: Any, *, lock: bool = False) -> Any:
            asked.append(([str(one) for one in ids], lock))
            return real(session, ids, lock=lock)

        monkeypatch.setattr(repository, "own_rows", own_rows)
        send(client, seller, table_of([{"id": one, "price": "10"}, {"id": two, "price": "11"}]))

        assert [locked for ids, lock in asked if lock for locked in ids] == [two]


class TestAllOrNothing:
    def test_every_line_and_field_that_is_wrong_is_told(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        own = create(client, seller).json["id"]
        theirs = create(client, factories.merchant()).json["id"]
        gone = create(client, seller).json["id"]
        client.delete(f"{PRODUCTS}/{gone}", headers=seller.headers)
        before = mine(client, seller), products()
        table = (
            "id,name,price,availableUnits,kind,purchaseLimit,isActive,currency\n"
            ",Good,1.00,1,,,,\n"
            ',"two\nlines",-1,1.5,BOOK,0,yes,EUR\n'
            f",{'x' * 201},1.001,2147483648,CODES,,,\n"
            ",,,,,,,\n"
            ",Codes,1.00,5,CODES,,,\n"
            ",Euro,1.00,5,,,,EUR\n"
            ",Short,1.00\n"
            "7,Seven,1.00,,,,,\n"
            f"{UNKNOWN},Unknown,,,,,,\n"
            f"{theirs},Theirs,,,,,,\n"
            f"{gone},Gone,,,,,,\n"
            f"{own},Mine,1.234,,,,,\n"
            f"{own},Mine again,,,CODES,,,JPY\n"
            ",Exact,1.001,1,,,,\n"
        )

        answer = send(client, seller, table)

        number, units, limit = (
            "Not a valid integer.",
            "Must be greater than or equal to 0 and less than or equal to 2147483647.",
            "Must be greater than or equal to 1 and less than or equal to 1000000.",
        )
        missing = ["Missing data for required field."]
        assert list(problems(answer).items()) == [
            ("line 3: price", ["Must be greater than 0."]),
            ("line 3: availableUnits", [number]),
            ("line 3: kind", ["Must be one of: PLAIN, CODES, LICENCE, FILE."]),
            ("line 3: purchaseLimit", [limit]),
            ("line 3: isActive", ["Not a valid boolean."]),
            ("line 5: name", ["Length must be between 1 and 200."]),
            ("line 5: availableUnits", [units]),
            ("line 6: name", missing),
            ("line 6: price", missing),
            ("line 7: availableUnits", ["Must be 0: upload codes."]),
            ("line 8: currency", ["Must be USD."]),
            ("line 9", ["3 cells, but the header has 8."]),
            ("line 10: id", ["Not a valid UUID."]),
            ("line 11: id", ["Product not found"]),
            ("line 12: id", ["You are not the owner of this product"]),
            ("line 13: id", ["Product not found"]),
            ("line 14: price", ["At most 2 decimals for USD."]),
            ("line 15: id", ["Also in line 14."]),
            ("line 16: price", ["At most 2 decimals for USD."]),
        ]
        assert (mine(client, seller), products()) == before

    def test_what_is_said_of_a_field_is_what_the_json_endpoint_says(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        wrong = {"name": "", "price": "1.999", "availableUnits": -1, "kind": "X"}
        for field, value in wrong.items():
            fields = {"name": "Guide", "price": "1", "availableUnits": 1} | {field: value}
            said = create(client, seller, **fields).json["details"]
            if value:
                told = problems(send(client, seller, table_of([fields])))
                assert told == {f"line 2: {name}": texts for name, texts in said.items()}

    def test_a_kind_is_for_good(self, client: FlaskClient, seller: Actor) -> None:
        made = create(client, seller).json["id"]
        answer = send(client, seller, table_of([{"id": made, "kind": "CODES"}]))
        assert problems(answer) == {"line 2: kind": ["Must be PLAIN: a kind is for good."]}

    def test_a_hundred_lines_are_listed_and_the_others_counted(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        table = "name,price,availableUnits\n" + "Guide,0,x\n" * 130

        details = problems(send(client, seller, table))

        assert details.pop("more") == ["30 more lines with problems."]
        assert list(details) == [
            f"line {line}: {field}"
            for line in range(2, 102)
            for field in ("price", "availableUnits")
        ]

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            (b"", {"line 1": ["Must be a header, the names of the columns."]}),
            (b"name;price\nGuide;1\n", {"line 1: name;price": ["Unknown field."]}),
            (b"\nname,price,nAme\n", {"line 2: nAme": ["Unknown field."]}),
            (b"name,price,name\n", {"line 1: name": ["More than one such column."]}),
            (b"name,price\nGuide,0\n\xff,1\n", {"line 3": ["Not UTF-8."]}),
            (b"name,price\na\0b,1\n", {"line 2": ["NUL is not allowed."]}),
            (b'name,price\n"Guide,1\n', {"line 2": ["Not CSV: unexpected end of data."]}),
        ],
        ids=str,
    )
    def test_what_is_no_table_is_refused(
        self, client: FlaskClient, seller: Actor, table: bytes, said: dict[str, list[str]]
    ) -> None:
        details = problems(send(client, seller, table))
        assert details.items() >= said.items()
        assert products() == 0

    def test_a_wild_header_does_not_come_back_whole(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        answer = send(client, seller, ",".join(f"{'x' * 60}{n}" for n in range(900)))
        assert problems(answer)
        assert len(answer.data) < 4_000

    def test_a_race_for_a_product_is_decided_by_who_holds_it(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What changed since it was looked at is seen once it is locked."""
        made = create(client, seller, availableUnits=5).json["id"]
        real = repository.own_rows

        def own_rows(session: Any, ids: Any, *, lock: bool = False) -> Any:
            if lock:  # somebody was faster
                session.execute(text("UPDATE products SET available_units = 4"))
            return real(session, ids, lock=lock)

        monkeypatch.setattr(repository, "own_rows", own_rows)
        table = table_of([{"id": made, "availableUnits": "9"}])

        assert counts(send(client, seller, table)) == (0, 1, 0)
        assert (mine(client, seller)[0]["availableUnits"], restocks()) == (9, [5])


class TestDryRun:
    def test_it_says_what_would_be_and_does_nothing(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        made = create(client, seller).json
        rows = [
            {"id": made["id"], "name": "Changed", "price": "1", "availableUnits": "9"},
            {"id": "", "name": "New", "price": "1", "availableUnits": "1"},
        ]

        answer = send(client, seller, table_of(rows), dryRun="true")

        assert counts(answer) == (1, 1, 0)
        assert (mine(client, seller), restocks()) == ([made], [])

    def test_it_tells_what_is_wrong(self, client: FlaskClient, seller: Actor) -> None:
        rows = [{"id": UNKNOWN, "name": "Changed"}]
        answer = send(client, seller, table_of(rows), dryRun="true")
        assert problems(answer) == {"line 2: id": ["Product not found"]}

    def test_it_is_true_or_false(self, client: FlaskClient, seller: Actor) -> None:
        answer = send(client, seller, HEAD, dryRun="maybe")
        assert refusal(answer) == (400, "VALIDATION_ERROR")


class TestBounds:
    def test_thousands_of_rows_at_once(self, client: FlaskClient, seller: Actor) -> None:
        table = "name,price,availableUnits\n" + "".join(
            f"Guide {number},{number}.50,3\n" for number in range(1, 2_001)
        )

        assert counts(send(client, seller, table)) == (2_000, 0, 0)
        assert products() == 2_000
        again = export(client, seller).data
        assert counts(send(client, seller, again)) == (0, 0, 2_000)

    def test_one_more_is_refused(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(documents, "MAX_ROWS", 3)
        table = "name,price,availableUnits\n" + "Guide,1,1\n" * 4
        assert problems(send(client, seller, table)) == {"line 5": ["More than 3 rows."]}
        assert products() == 0

    def test_a_body_that_is_too_large(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk_views, "MAX_BYTES", 1024**2)
        table = "name,price,availableUnits\n" + f"{'x' * 199},1,1\n" * 6_000
        answer = send(client, seller, table)
        assert refusal(answer) == (413, "BODY_TOO_LARGE")
        assert answer.json["message"] == "The body is larger than 1 MiB"

    @pytest.mark.parametrize("media", ["application/json", "text/plain", ""])
    def test_only_csv_is_taken(self, client: FlaskClient, seller: Actor, media: str) -> None:
        answer = send(client, seller, HEAD, media=media)
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert answer.json["message"] == "Send the table as text/csv"

    def test_a_body_that_breaks_off_changes_nothing(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        answer = client.post(
            f"{PRODUCTS}/import",
            data=b"name,price,availableUnits\nGuide,1,1\nAt",
            content_type="text/csv",
            headers=seller.headers,
            environ_overrides={"CONTENT_LENGTH": "100", "wsgi.input_terminated": True},
        )
        assert refusal(answer) == (400, "BODY_INCOMPLETE")
        assert products() == 0

    def test_a_few_at_a_time_and_each_gives_its_place_back(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        taken = [bulk_views._imports.acquire(factories.merchant().id) for _ in range(2)]
        assert refusal(send(client, seller, HEAD)) == (503, "BUSY")
        for give_back in taken:
            give_back()
        for table in (b"\xff", HEAD.encode(), b"\xff", HEAD.encode()):
            assert send(client, seller, table).status_code in (200, 400)


def test_what_was_sold_meanwhile_is_restocked_and_the_books_stay_right(
    client: FlaskClient, seller: Actor
) -> None:
    made = create(client, seller, availableUnits=5).json["id"]
    buy(client, factories.buyer(), made, quantity=2)
    patch(client, seller, made, availableUnits=4)

    assert counts(send(client, seller, table_of([{"id": made, "availableUnits": "10"}]))) == (
        0,
        1,
        0,
    )

    assert mine(client, seller)[0]["availableUnits"] == 10
    assert sorted(restocks()) == [1, 6]
    assert broken() == []
