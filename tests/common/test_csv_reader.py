"""Reading CSV as spreadsheets, shops and banks write it."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.common import csv_reader
from app.common.csv_documents import write
from app.common.csv_reader import CsvInvalid, fold_name, read, text_lines

TABLE = [["name", "note"], ["\u00dcn\u00ef", "two\nlines"], ['a "quote"', "a,b;c"]]


def rows(text: str | bytes, size: int = 1000) -> list[tuple[int, list[str]]]:
    raw = text.encode() if isinstance(text, str) else text
    chunks = (raw[at : at + size] for at in range(0, len(raw), size))
    return [(row.line, row.cells) for row in read(chunks)]


def cells(raw: bytes, size: int = 1000) -> list[list[str]]:
    return [found for _, found in rows(raw, size)]


def problem(raw: bytes) -> tuple[int, str]:
    with pytest.raises(CsvInvalid) as caught:
        rows(raw)
    return caught.value.line, caught.value.problem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_table_is_read_in_every_usual_form(
    encoding: str, separator: str, end: str, size: int
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(TABLE)
    document = text.getvalue().replace("\n", end)
    assert cells(document.encode(encoding), size) == TABLE


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2)))
def test_what_we_write_is_read(table: list[list[str]]) -> None:
    table = [[cell.replace("\0", "") for cell in row] for row in table]
    lines = [
        [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row]
        for row in [["a", "b"], *table]
    ]
    for row in lines:
        while row and not row[-1].strip():
            row.pop()

    assert cells(write([["a", "b"], *table])) == [row for row in lines if row]


def test_rows_have_the_number_of_their_first_line() -> None:
    assert rows('a,b\r\n"two\r\nlines",x\r\n\r\nlast\n') == [
        (1, ["a", "b"]),
        (2, ["two\nlines", "x"]),
        (5, ["last"]),
    ]


def test_blank_rows_and_empty_cells_at_the_end_are_left_out() -> None:
    assert rows('\n;;\na;b;;\n1;;\n"";" "\n;2\n') == [(3, ["a", "b"]), (4, ["1"]), (6, ["", "2"])]
    assert rows("") == rows("\ufeff") == rows("\r\n\n") == []


def test_how_many_cells_were_written_is_known() -> None:
    assert [row.written for row in read([b"a,b,c\n1,,\n1\n"])] == [3, 3, 1]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sep=;\na,b;c\n", ["a,b", "c"]),
        ('"sep=|"\na,b|c\n', ["a,b", "c"]),
        ("sep=^\na,b^c\n", ["a,b", "c"]),
        ("sep=:\na,b:c\n", ["a,b", "c"]),
        ("sep=;;;;\na,b;c\n", ["a,b", "c"]),
        ('"sep=,",,\na;b,c\n', ["a;b", "c"]),
        ("SEP=\t\na,b\tc\n", ["a,b", "c"]),
        ('"a;b;c",d\n', ["a;b;c", "d"]),
        ("a\tb, c\td\n", ["a", "b, c", "d"]),
        ("one\n", ["one"]),
    ],
)
def test_the_separator_is_the_stated_one_or_the_most_frequent(text: str, first: list[str]) -> None:
    assert cells(text.encode())[0] == first


@pytest.mark.parametrize(
    ("raw", "line", "message"),
    [
        (b"a\nb\xff\n", 2, "Not UTF-8: save the file as CSV in UTF-8."),
        (b"a\rb\rc\xe9\n", 3, "Not UTF-8"),
        (b"a\n\xc3", 2, "Not UTF-8"),
        (
            "\u4e2d,b\n".encode("utf-16-be"),
            1,
            "NUL is not allowed: save the file as text in UTF-8.",
        ),
        (b"PK\x03\x04\x14\0\x06\0", 1, "This is a workbook or an archive: save the table as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", 1, "This is a workbook: save the table as CSV"),
        (b"%PDF-1.7\n", 1, "This is a PDF"),
        (b"a\nb\0c\n", 2, "NUL is not allowed"),
        (b'a\n"b" c\n', 2, "There is text after a closing quote"),
        (b'a\n"b\nc\n', 2, "A quoted cell has no closing quote."),
        (b'a\n"' + b"x\n" * 40_000, 2, "The row is longer than 65,536 characters."),
        (b"a\n" + b"x" * 300_000, 2, "The line is longer than 65,536 characters."),
    ],
)
def test_a_problem_is_reported_in_plain_words_with_its_line(
    raw: bytes, line: int, message: str
) -> None:
    found, text = problem(raw)
    assert (found, message in text) == (line, True), text


def test_an_endless_line_is_not_kept_in_memory() -> None:
    read_chunks = 0

    def endless() -> Iterator[bytes]:
        nonlocal read_chunks
        while True:
            read_chunks += 1
            yield b"x" * 8192

    with pytest.raises(CsvInvalid):
        list(text_lines(endless()))
    assert read_chunks < 2 * csv_reader.MAX_ROW // 8192


@pytest.mark.parametrize(
    "name", ["availableUnits", "Available Units", "available_units", " AVAILABLE-UNITS "]
)
def test_names_of_columns_are_compared_without_case_and_spaces(name: str) -> None:
    assert fold_name(name) == "availableunits"
