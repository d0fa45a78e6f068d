"""CSV documents: writing, and escaping formulas for spreadsheets."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.common import csv_documents
from app.common.csv_documents import escape_formula, unescape_formula, write


class TestWriting:
    def test_lines_end_with_crlf_as_in_rfc_4180(self) -> None:
        assert write([("a", None, 'x,"y"'), (1, "", "z\rz")]) == b'a,,"x,""y"""\r\n1,,"z\rz"\r\n'

    @given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2)))
    def test_a_written_document_reads_back_unchanged(self, table: list[list[str]]) -> None:
        table = [[cell.replace("\0", "") for cell in row] for row in table]
        assert list(csv.reader(io.StringIO(write(table).decode(), newline=""))) == table


class TestEscaping:
    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "\uff1dx"])
    def test_a_formula_is_prefixed_with_an_apostrophe(self, text: str) -> None:
        assert escape_formula(text) == f"'{text}"

    @pytest.mark.parametrize(
        ("text", "escaped"),
        [
            ("a;=1+1", "a;'=1+1"),
            ('a; "=1+1', "a; \"'=1+1"),
            ("one\n-two", "one\n'-two"),
            ("a\t@b", "a\t'@b"),
            ("=a;=b", "'=a;'=b"),
        ],
    )
    def test_so_is_what_would_start_a_cell_where_other_characters_separate_them(
        self, text: str, escaped: str
    ) -> None:
        assert escape_formula(text) == escaped
        for separator in ";\t":
            for cell in next(csv.reader([write([[escaped, "x"]]).decode()], delimiter=separator)):
                assert not cell.strip(' "').startswith(tuple(csv_documents.FORMULA_STARTS))

    @pytest.mark.parametrize(
        "text", ["", "Field Guide", "1=1", "'tis", "a-b", "''", "a; b", "a\nb"]
    )
    def test_other_text_is_unchanged(self, text: str) -> None:
        assert escape_formula(text) == unescape_formula(text) == text

    def test_text_that_was_not_escaped_is_unescaped_unchanged(self) -> None:
        assert unescape_formula("=1+1") == "=1+1"
        assert escape_formula(None) is None

    @given(st.one_of(st.text(), st.text("'=+-@a \t;\"\n")))
    def test_unescaping_restores_the_text(self, text: str) -> None:
        escaped = escape_formula(text)
        assert unescape_formula(escaped) == text
        assert not escaped.startswith(tuple(csv_documents.FORMULA_STARTS))
