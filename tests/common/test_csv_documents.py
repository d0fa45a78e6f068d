"""Tables as CSV: read from pieces, written, and safe for spreadsheets."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.common import csv_documents
from app.common.csv_documents import CsvInvalid, escape_formula, read, unescape_formula, write


def rows(text: str | bytes, size: int = 1000) -> list[tuple[int, list[str]]]:
    raw = text.encode() if isinstance(text, str) else text
    pieces = (raw[at : at + size] for at in range(0, len(raw), size))
    return [tuple(row) for row in read(pieces)]


def problem(raw: bytes) -> tuple[int, str]:
    with pytest.raises(CsvInvalid) as caught:
        rows(raw)
    return caught.value.line, caught.value.problem


class TestReading:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
    def test_a_row_is_told_with_the_line_it_begins_in_wherever_pieces_are_cut(
        self, size: int
    ) -> None:
        text = '\ufeffname,note\r\n"Ünï, ""x""","two\r\nlines"\r\n\r\nlast,€\n,'
        assert rows(text, size) == [
            (1, ["name", "note"]),
            (2, ['Ünï, "x"', "two\r\nlines"]),
            (5, ["last", "€"]),
            (6, ["", ""]),
        ]

    def test_nothing_has_no_rows(self) -> None:
        assert rows("") == rows("\ufeff") == rows("\r\n\n") == []

    @pytest.mark.parametrize(
        ("raw", "line", "said"),
        [
            (b"a\nb\xff\n", 2, "Not UTF-8."),
            ("a,b\n".encode("utf-16"), 1, "Not UTF-8."),
            (b"a\nb\0c\n", 2, "NUL is not allowed."),
            (b'a\n"b" c\n', 2, "Not CSV"),
            (b'a\n"b\nc\n', 2, "Not CSV: unexpected end of data"),
            (b"a\rb\n", 1, "Not CSV"),
            (b'a\n"' + b"x\n" * 40_000, 2, "Not CSV: a row is too long."),
            (b"a\n" + b"x" * 300_000, 2, "Longer than 256 KiB."),
        ],
    )
    def test_what_is_no_table_is_told_with_its_line(self, raw: bytes, line: int, said: str) -> None:
        found, message = problem(raw)
        assert (found, said in message) == (line, True), message


class TestWriting:
    def test_lines_end_as_rfc_4180_says(self) -> None:
        assert write([("a", None, 'x,"y"'), (1, "", "z\rz")]) == b'a,,"x,""y"""\r\n1,,"z\rz"\r\n'

    @given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2)))
    def test_what_is_written_reads_the_same(self, table: list[list[str]]) -> None:
        table = [[cell.replace("\0", "") for cell in row] for row in table]
        assert [cells for _, cells in rows(write(table))] == table
        assert list(csv.reader(io.StringIO(write(table).decode(), newline=""))) == table


class TestGuarding:
    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "\uff1dx"])
    def test_a_formula_stands_behind_an_apostrophe(self, text: str) -> None:
        assert escape_formula(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["", "Field Guide", "1=1", "'tis", "a-b", "''"])
    def test_what_is_none_is_left_alone(self, text: str) -> None:
        assert escape_formula(text) == unescape_formula(text) == text

    def test_what_nobody_has_guarded_is_taken_as_it_is(self) -> None:
        assert unescape_formula("=1+1") == "=1+1"
        assert escape_formula(None) is None

    @given(st.one_of(st.text(), st.text("'=+-@a \t")))
    def test_it_is_undone_exactly(self, text: str) -> None:
        kept = escape_formula(text)
        assert unescape_formula(kept) == text
        assert not kept.startswith(csv_documents._FORMULA)
