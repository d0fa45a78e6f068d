"""Imports that are refused, and the limits of an import."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.common import http
from app.products.bulk import csv_format, repository, views
from tests import factories
from tests.factories import Actor
from tests.orders.helpers import UNKNOWN
from tests.products.bulk.helpers import (
    HEADER,
    count_products,
    counts,
    export,
    import_csv,
    own_products,
    problems,
    restocks,
    table_of,
)
from tests.products.helpers import PRODUCTS, create
from tests.responses import refusal

NOT_UTF_8 = "Not UTF-8: save the file as CSV in UTF-8."
NUL = "NUL is not allowed: save the file as text in UTF-8."


class TestProblems:
    def test_every_problem_is_reported_by_line_and_field(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        own = create(client, seller).json["id"]
        theirs = create(client, factories.merchant()).json["id"]
        deleted = create(client, seller).json["id"]
        client.delete(f"{PRODUCTS}/{deleted}", headers=seller.headers)
        before = own_products(client, seller), count_products()
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
            f"{deleted},Deleted,,,,,,\n"
            f"{own},Mine,1.234,,,,,\n"
            f"{own},Mine again,,,CODES,,,JPY\n"
            ",Exact,1.001,1,,,,\n"
        )

        answer = import_csv(client, seller, table)

        number, units, limit = (
            "Not a valid integer.",
            "Must be greater than or equal to 0 and less than or equal to 2147483647.",
            "Must be greater than or equal to 1 and less than or equal to 1000000.",
        )
        assert list(problems(answer).items()) == [
            ("line 3: price", ["Must be greater than 0."]),
            ("line 3: availableUnits", [number]),
            ("line 3: kind", ["Must be one of: PLAIN, CODES, LICENCE, FILE."]),
            ("line 3: purchaseLimit", [limit]),
            ("line 3: isActive", ["Not a valid boolean."]),
            ("line 5: name", ["Length must be between 1 and 200."]),
            ("line 5: availableUnits", [units]),
            ("line 7: availableUnits", ["Must be 0: upload codes."]),
            ("line 8: currency", ["Must be USD."]),
            ("line 9", ["The row has 3 cells, but the header has 8."]),
            ("line 10: id", ["Not a valid UUID."]),
            ("line 11: id", ["Product not found"]),
            ("line 12: id", ["You are not the owner of this product"]),
            ("line 13: id", ["Product not found"]),
            ("line 14: price", ["At most 2 decimals for USD."]),
            ("line 15: id", ["Also in line 14."]),
            ("line 16: price", ["At most 2 decimals for USD."]),
        ]
        assert (own_products(client, seller), count_products()) == before

    def test_the_messages_are_those_of_the_json_endpoint(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        wrong = {"name": "", "price": "1.999", "availableUnits": -1, "kind": "X"}
        for field, value in wrong.items():
            fields = {"name": "Guide", "price": "1", "availableUnits": 1} | {field: value}
            expected = create(client, seller, **fields).json["details"]
            if value:
                reported = problems(import_csv(client, seller, table_of([fields])))
                assert reported == {f"line 2: {name}": texts for name, texts in expected.items()}

    def test_the_kind_cannot_be_changed(self, client: FlaskClient, seller: Actor) -> None:
        created = create(client, seller).json["id"]
        answer = import_csv(client, seller, table_of([{"id": created, "kind": "CODES"}]))
        assert problems(answer) == {"line 2: kind": ["Must be PLAIN: the kind cannot be changed."]}

    def test_the_first_100_lines_are_listed(self, client: FlaskClient, seller: Actor) -> None:
        table = "name,price,availableUnits\n" + "Guide,0,x\n" * 130

        details = problems(import_csv(client, seller, table))

        assert details.pop("more") == ["30 more lines with problems."]
        assert list(details) == [
            f"line {line}: {field}"
            for line in range(2, 102)
            for field in ("price", "availableUnits")
        ]

    @pytest.mark.parametrize(
        ("table", "expected"),
        [
            (b"", {"line 1": ["Must be a header row with the names of the columns."]}),
            (b"name;preis\nGuide;1\n", {"line 1: preis": ["Unknown field."]}),
            (b"\nname,price,nAme\n", {"line 2: name": ["Duplicate column."]}),
            (
                b"name,price\nGuide,1,2\n",
                {"line 2": ["The row has 3 cells, but the header has 2."]},
            ),
            (b"name,price,name\n", {"line 1: name": ["Duplicate column."]}),
            (b"name,price\nGuide,0\n\xff,1\n", {"line 3": [NOT_UTF_8]}),
            (b"name,price\na\0b,1\n", {"line 2": [NUL]}),
            (b'name,price\n"Guide,1\n', {"line 2": ["A quoted cell has no closing quote."]}),
        ],
        ids=str,
    )
    def test_an_invalid_document_is_refused(
        self, client: FlaskClient, seller: Actor, table: bytes, expected: dict[str, list[str]]
    ) -> None:
        details = problems(import_csv(client, seller, table))
        assert details.items() >= expected.items()
        assert count_products() == 0

    def test_the_error_about_a_huge_header_is_short(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        answer = import_csv(client, seller, ",".join(f"{'x' * 60}{n}" for n in range(900)))
        assert problems(answer)
        assert len(answer.data) < 4_000

    def test_a_concurrent_change_is_seen_once_the_product_is_locked(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        created = create(client, seller, availableUnits=5).json["id"]
        real = repository.get_products

        def get_products(session: Any, ids: Any, *, lock: bool = False) -> Any:
            if lock:  # A concurrent change.
                session.execute(text("UPDATE products SET available_units = 4"))
            return real(session, ids, lock=lock)

        monkeypatch.setattr(repository, "get_products", get_products)
        table = table_of([{"id": created, "availableUnits": "9"}])

        assert counts(import_csv(client, seller, table)) == (0, 1, 0)
        assert (own_products(client, seller)[0]["availableUnits"], restocks()) == (9, [5])


class TestLimits:
    def test_2000_rows_can_be_imported_at_once(self, client: FlaskClient, seller: Actor) -> None:
        table = "name,price,availableUnits\n" + "".join(
            f"Guide {number},{number}.50,3\n" for number in range(1, 2_001)
        )

        assert counts(import_csv(client, seller, table)) == (2_000, 0, 0)
        assert count_products() == 2_000
        again = export(client, seller).data
        assert counts(import_csv(client, seller, again)) == (0, 0, 2_000)

    def test_more_rows_than_the_maximum_are_refused(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(csv_format, "MAX_ROWS", 3)
        table = "name,price,availableUnits\n" + "Guide,1,1\n" * 4
        assert problems(import_csv(client, seller, table)) == {"line 5": ["More than 3 rows."]}
        assert count_products() == 0

    def test_a_body_above_the_limit_is_refused(
        self, client: FlaskClient, seller: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(views, "MAX_BYTES", 1024**2)
        table = "name,price,availableUnits\n" + f"{'x' * 199},1,1\n" * 6_000
        answer = import_csv(client, seller, table)
        assert refusal(answer) == (413, "BODY_TOO_LARGE")
        assert answer.json["message"] == "The body is larger than 1 MiB"

    @pytest.mark.parametrize("media", ["application/json", "text/plain", ""])
    def test_only_csv_is_accepted(self, client: FlaskClient, seller: Actor, media: str) -> None:
        answer = import_csv(client, seller, HEADER, media=media)
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

    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "import-1"}])
    def test_a_merchant_sends_at_most_two_large_bodies_at_a_time(
        self, client: FlaskClient, seller: Actor, headers: dict[str, str]
    ) -> None:
        taken = [http.large_bodies.acquire(str(seller.id)) for _ in range(2)]

        def answer() -> TestResponse:
            return client.post(
                f"{PRODUCTS}/import",
                data=HEADER,
                content_type="text/csv",
                headers=seller.headers | headers,
            )

        assert refusal(answer()) == (503, "BUSY")
        for release in taken:
            release()
        assert answer().status_code == 200

    def test_the_number_of_concurrent_imports_is_limited(
        self, client: FlaskClient, seller: Actor
    ) -> None:
        taken = [views._imports.acquire(factories.merchant().id) for _ in range(2)]
        assert refusal(import_csv(client, seller, HEADER)) == (503, "BUSY")
        for release in taken:
            release()
        for table in (b"\xff", HEADER.encode(), b"\xff", HEADER.encode()):
            assert import_csv(client, seller, table).status_code in (200, 400)
