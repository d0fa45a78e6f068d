"""Parsing a bank statement, and the problems of invalid lines."""

from datetime import date

import pytest

from app.common.money import Money
from app.reconciliation import statement
from app.reconciliation.errors import StatementInvalid
from app.reconciliation.layout import OURS as COLUMNS
from app.reconciliation.statement import Direction, StatementLine

HEADER = ",".join(COLUMNS)
NOT_UTF_8 = "Not UTF-8: save the file as CSV in UTF-8."
GOOD = "2026-11-21,ref-1,UTR-1,CREDIT,25.00,USD,BOOKED"


def parse(raw: bytes) -> list[StatementLine]:
    return statement.parse(raw, currency="USD")


def problems(raw: bytes | str) -> dict[str, list[str]]:
    with pytest.raises(StatementInvalid) as caught:
        parse(raw.encode() if isinstance(raw, str) else raw)
    return caught.value.details


class TestParsing:
    def test_a_line_is_a_booked_transaction(self) -> None:
        assert parse(f"{HEADER}\n{GOOD}\n".encode()) == [
            StatementLine(
                2, date(2026, 11, 21), Direction.CREDIT, "ref-1", "UTR-1", Money(2500, "USD")
            )
        ]

    def test_columns_are_identified_by_name(self) -> None:
        raw = (
            b"status,branch,currency,amount,direction,bankReference,reference, date \r\n"
            b'BOOKED,"Pune, West",JPY,500,DEBIT,UTR-2,ref-2,2026-11-20\r\n'
        )
        assert parse(raw) == [
            StatementLine(
                2, date(2026, 11, 20), Direction.DEBIT, "ref-2", "UTR-2", Money(500, "JPY")
            )
        ]

    def test_a_byte_order_mark_and_empty_lines_are_ignored(self) -> None:
        raw = f"\ufeff{HEADER}\r\n{GOOD}\r\n\r\n{GOOD}\r\n\r\n"
        assert [line.number for line in parse(raw.encode())] == [2, 4]

    def test_lines_are_numbered_as_in_an_editor(self) -> None:
        raw = f'{HEADER},note\n{GOOD},"two\nlines"\n{GOOD},\n'
        assert [line.number for line in parse(raw.encode())] == [2, 4]

    def test_an_amount_may_have_fewer_decimals_than_its_currency(self) -> None:
        (line,) = parse(f"{HEADER}\n{GOOD.replace('25.00', '25.5')}".encode())
        assert line.money == Money(2550, "USD")

    def test_a_spreadsheet_s_spelling_is_read(self) -> None:
        header = ";".join(COLUMNS).replace("bankReference", "Bank Reference").upper()
        raw = f"sep=;\r{header};;\r{GOOD.replace(',', ';')};;\r;;;;\r".encode("utf-16")
        assert [(line.number, line.money) for line in parse(raw)] == [(3, Money(2500, "USD"))]

    def test_a_header_alone_is_an_empty_statement(self) -> None:
        assert parse(HEADER.encode()) == []


class TestRefusing:
    @pytest.mark.parametrize(
        ("was", "now", "problem"),
        [
            ("2026-11-21", "11.21.2026", "date: must be a date such as 2026-11-21 or 21/11/2026"),
            ("2026-11-21", "2026-11-31", "date: must be a date such as 2026-11-21 or 21/11/2026"),
            ("2026-11-21", "20262111", "date: must be a date such as 2026-11-21 or 21/11/2026"),
            ("ref-1", "", "reference: must be 1 to 255 visible ASCII characters"),
            ("ref-1", "a" * 256, "reference: must be 1 to 255 visible ASCII characters"),
            ("UTR-1", "UTR 1", "bankReference: must be 1 to 255 visible ASCII characters"),
            ("CREDIT", "IN", "direction: must be CREDIT or DEBIT"),
            ("CREDIT", "cred", "direction: must be CREDIT or DEBIT"),
            ("25.00", "", "amount: must be an amount of USD such as 12.50"),
            ("25.00", "0.00", "amount: must be an amount of USD such as 12.50"),
            ("25.00", "-25.00", "amount: must be an amount of USD such as 12.50"),
            ("25.00", "25.001", "amount: must be an amount of USD such as 12.50"),
            ("25.00", "2.5e1", "amount: must be an amount of USD such as 12.50"),
            ("25.00", "NaN", "amount: must be an amount of USD such as 12.50"),
            ("25.00", "9999999999999999999.00", "amount: must be an amount of USD such as 12.50"),
            ("USD", "XXX", "currency: must be one of USD, EUR, GBP, INR, EGP, JPY, KWD"),
            ("BOOKED", "PENDING", "status: must be BOOKED"),
            (",BOOKED", "", "status: must be BOOKED"),
        ],
    )
    def test_a_problem_names_its_line(self, was: str, now: str, problem: str) -> None:
        bad = GOOD.replace(was, now)
        assert problems(f"{HEADER}\n{GOOD}\n{bad}\n") == {"line 3": [problem]}

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            ("", {"line 1": ["missing column date, amount, reference"]}),
            ("a;b;c\n1;2;3", {"line 1": ["missing column date, amount, reference"]}),
            (HEADER.replace("amount,", ""), {"line 1": ["missing column amount"]}),
            (f"{HEADER},amount", {"line 1": ["duplicate column amount"]}),
            (b"\xff", {"line 1": [NOT_UTF_8]}),
            (HEADER.encode() + b"\n\n\xe9", {"line 3": [NOT_UTF_8]}),
        ],
    )
    def test_a_file_of_another_format_is_refused(
        self, raw: bytes | str, expected: dict[str, list[str]]
    ) -> None:
        assert problems(raw) == expected

    @pytest.mark.parametrize("tail", ['"', 'a"b"c"', '"' + "x" * 200_000 + '"'])
    def test_malformed_csv_is_refused(self, tail: str) -> None:
        ((where, (problem,)),) = problems(f"{HEADER}\n{GOOD}\n{tail}").items()
        assert where == "line 3"
        assert "quote" in problem or "longer" in problem or problem == "status: must be BOOKED"

    def test_a_limited_number_of_problems_is_reported(self) -> None:
        raw = "\n".join([HEADER, *["nonsense"] * 1000])
        found = problems(raw)
        assert list(found) == [f"line {number}" for number in range(2, 22)]

    def test_the_message_has_the_first_problem(self) -> None:
        with pytest.raises(StatementInvalid) as caught:
            parse("\n".join([HEADER, "nonsense", "nonsense"]).encode())
        assert caught.value.text == (
            "Invalid statement: line 2: status: must be BOOKED (and 1 more)"
        )
