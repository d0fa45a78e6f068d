"""Imports that are refused, and the limits of an import."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.products.bulk import csv_format, repository, views
from tests import factories
from tests.factories import Actor
from tests.orders.helpers import UNKNOWN
from tests.products.bulk.helpers import (
    HEAD,
    count_products,
    counts,
    export,
    mine,
    problems,
    restocks,
    send,
    table_of,
)
from tests.products.helpers import PRODUCTS, create
from tests.responses import refusal


class TestProblems:
    def test_every_problem_is_reported_by_line_and_field(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        own = create(client, seller).json["id"]
        theirs = create(client, factories.merchant()).json["id"]
        gone = create(client, seller).json["id"]
        client.delete(f"{PRODUCTS}/{gone}", headers=seller.headers)
        before = mine(client, seller), count_products()
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
        assert (mine(client, seller), count_products()) == before

    def test_the_messages_are_those_of_the_json_endpoint(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        wrong = {"name": "", "price": "1.999", "availableUnits": -1, "kind": "X"}
        for field, value in wrong.items():
            fields = {"name": "Guide", "price": "1", "availableUnits": 1} | {field: value}
            said = create(client, seller, **fields).json["details"]
            if value:
                told = problems(send(client, seller, table_of([fields])))
                assert told == {f"line 2: {name}": texts for name, texts in said.items()}

    def test_the_kind_cannot_be_changed(self, client: FlaskClient, seller: Actor) -> None:
        made = create(client, seller).json["id"]
        answer = send(client, seller, table_of([{"id": made, "kind": "CODES"}]))
        assert problems(answer) == {"line 2: kind": ["Must be PLAIN: the kind cannot be changed."]}

    def test_the_first_100_lines_are_listed(self, client: FlaskClient, seller: Actor) -> None:
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
            (b"", {"line 1": ["Must be a header row with the names of the columns."]}),
            (b"name;price\nGuide;1\n", {"line 1: name;price": ["Unknown field."]}),
            (b"\nname,price,nAme\n", {"line 2: nAme": ["Unknown field."]}),
            (b"name,price,name\n", {"line 1: name": ["Duplicate column."]}),
            (b"name,price\nGuide,0\n\xff,1\n", {"line 3": ["Not UTF-8."]}),
            (b"name,price\na\0b,1\n", {"line 2": ["NUL is not allowed."]}),
            (b'name,price\n"Guide,1\n', {"line 2": ["Not CSV: unexpected end of data."]}),
        ],
        ids=str,
    )
    def test_an_invalid_document_is_refused(
        self, client: FlaskClient, seller: Actor, table: bytes, said: dict[str, list[str]]
    ) -> None:
        details = problems(send(client, seller, table))
        assert details.items() >= said.items()
        assert count_products() == 0

    def test_a_huge_header_is_not_repeated_in_the_error(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        answer = send(client, seller, ",".join(f"{'x' * 60}{n}" for n in range(900)))
        assert problems(answer)
        assert len(answer.data) < 4_000

    def test_a_concurrent_change_is_seen_once_the_product_is_locked(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = create(client, seller, availableUnits=5).json["id"]
        real = repository.get_products

        def get_products(session: Any, ids: Any, *, lock: bool = False) -> Any:
            if lock:  # A concurrent change.
                session.execute(text("UPDATE products SET available_units = 4"))
            return real(session, ids, lock=lock)

        monkeypatch.setattr(repository, "get_products", get_products)
        table = table_of([{"id": made, "availableUnits": "9"}])

        assert counts(send(client, seller, table)) == (0, 1, 0)
        assert (mine(client, seller)[0]["availableUnits"], restocks()) == (9, [5])


class TestLimits:
    def test_thousands_of_rows_at_once(self, client: FlaskClient, seller: Actor) -> None:
        table = "name,price,availableUnits\n" + "".join(
            f"Guide {number},{number}.50,3\n" for number in range(1, 2_001)
        )

        assert counts(send(client, seller, table)) == (2_000, 0, 0)
        assert count_products() == 2_000
        again = export(client, seller).data
        assert counts(send(client, seller, again)) == (0, 0, 2_000)

    def test_the_maximum_number_of_rows(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(csv_format, "MAX_ROWS", 3)
        table = "name,price,availableUnits\n" + "Guide,1,1\n" * 4
        assert problems(send(client, seller, table)) == {"line 5": ["More than 3 rows."]}
        assert count_products() == 0

    def test_a_body_above_the_limit_is_refused(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(views, "MAX_BYTES", 1024**2)
        table = "name,price,availableUnits\n" + f"{'x' * 199},1,1\n" * 6_000
        answer = send(client, seller, table)
        assert refusal(answer) == (413, "BODY_TOO_LARGE")
        assert answer.json["message"] == "The body is larger than 1 MiB"

    @pytest.mark.parametrize("media", ["application/json", "text/plain", ""])
    def test_only_csv_is_accepted(self, client: FlaskClient, seller: Actor, media: str) -> None:
        answer = send(client, seller, HEAD, media=media)
        assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert answer.json["message"] == "Send the products as text/csv"

    def test_an_incomplete_body_changes_nothing(self, client: FlaskClient, seller: Actor) -> None:
        answer = client.post(
            f"{PRODUCTS}/import",
            data=b"name,price,availableUnits\nGuide,1,1\nAt",
            content_type="text/csv",
            headers=seller.headers,
            environ_overrides={"CONTENT_LENGTH": "100", "wsgi.input_terminated": True},
        )
        assert refusal(answer) == (400, "BODY_INCOMPLETE")
        assert count_products() == 0

    def test_the_number_of_concurrent_imports_is_limited(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        taken = [views._imports.acquire(factories.merchant().id) for _ in range(2)]
        assert refusal(send(client, seller, HEAD)) == (503, "BUSY")
        for release in taken:
            release()
        for table in (b"\xff", HEAD.encode(), b"\xff", HEAD.encode()):
            assert send(client, seller, table).status_code in (200, 400)
