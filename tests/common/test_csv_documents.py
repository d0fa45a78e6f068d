"""CSV documents: reading in chunks, writing, and escaping formulas for spreadsheets."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.common import csv_documents
from app.common.csv_documents import CsvInvalid, escape_formula, read, unescape_formula, write


def rows(text: str | bytes, size: int = 1000) -> list[tuple[int, list[str]]]:
    raw = text.encode() if isinstance(text, str) else text
    chunks = (raw[at : at + size] for at in range(0, len(raw), size))
    return [tuple(row) for row in read(chunks)]


def problem(raw: bytes) -> tuple[int, str]:
    with pytest.raises(CsvInvalid) as caught:
        rows(raw)
    return caught.value.line, caught.value.problem


class TestReading:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
    def test_rows_have_the_number_of_their_first_line_whatever_the_chunk_size(
        self, size: int
    ) -> None:
        text = '\ufeffname,note\r\n"Ünï, ""x""","two\r\nlines"\r\n\r\nlast,€\n,'
        assert rows(text, size) == [
            (1, ["name", "note"]),
            (2, ['Ünï, "x"', "two\r\nlines"]),
            (5, ["last", "€"]),
            (6, ["", ""]),
        ]

    def test_an_empty_document_has_no_rows(self) -> None:
        assert rows("") == rows("\ufeff") == rows("\r\n\n") == []

    @pytest.mark.parametrize(
        ("raw", "line", "message"),
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
    def test_invalid_csv_is_reported_with_its_line(
        self, raw: bytes, line: int, message: str
    ) -> None:
        found, text = problem(raw)
        assert (found, message in text) == (line, True), text


class TestWriting:
    def test_lines_end_with_crlf_as_in_rfc_4180(self) -> None:
        assert write([("a", None, 'x,"y"'), (1, "", "z\rz")]) == b'a,,"x,""y"""\r\n1,,"z\rz"\r\n'

    @given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2)))
    def test_a_written_document_reads_back_unchanged(self, table: list[list[str]]) -> None:
        table = [[cell.replace("\0", "") for cell in row] for row in table]
        assert [cells for _, cells in rows(write(table))] == table
        assert list(csv.reader(io.StringIO(write(table).decode(), newline=""))) == table


class TestEscaping:
    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "\uff1dx"])
    def test_a_formula_is_prefixed_with_an_apostrophe(self, text: str) -> None:
        assert escape_formula(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["", "Field Guide", "1=1", "'tis", "a-b", "''"])
    def test_other_text_is_unchanged(self, text: str) -> None:
        assert escape_formula(text) == unescape_formula(text) == text

    def test_text_that_was_not_escaped_is_unescaped_unchanged(self) -> None:
        assert unescape_formula("=1+1") == "=1+1"
        assert escape_formula(None) is None

    @given(st.one_of(st.text(), st.text("'=+-@a \t")))
    def test_unescaping_restores_the_text(self, text: str) -> None:
        escaped = escape_formula(text)
        assert unescape_formula(escaped) == text
        assert not escaped.startswith(tuple(csv_documents.FORMULA_STARTS))
