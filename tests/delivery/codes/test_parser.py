"""Files of codes, split at every possible position."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from app.delivery.codes import parser
from app.delivery.codes.errors import CodesInvalid
from app.delivery.codes.parser import CodeFile, Layout, parse_csv, parse_text

Reader = Callable[[Iterable[bytes], Layout], CodeFile]

NOTHING_SAID = Layout()
NO_CODES = {"line 1": ["the file contains no codes"]}


def split(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def codes(parse: Reader, raw: bytes, **layout: Any) -> list[tuple[int, str]]:
    """The parsed codes, which must not depend on the chunks."""
    said = Layout(**layout)
    whole = list(parse([raw], said).codes)
    for size in (1, 2, 3, 7):
        assert list(parse(split(raw, size), said).codes) == whole
    return [(parsed.line, parsed.code) for parsed in whole]


def problems(parse: Reader, raw: bytes, **layout: Any) -> dict[str, list[str]]:
    """The problems of an invalid file."""
    with pytest.raises(CodesInvalid) as refused:
        codes(parse, raw, **layout)
    return refused.value.details


class TestText:
    def test_each_line_is_a_code_without_the_white_space_around_it(self) -> None:
        assert codes(parse_text, b"A-1\r\n  B-2 \t\n\xc2\xa0C 3\rD") == [
            (1, "A-1"),
            (2, "B-2"),
            (3, "C 3"),
            (4, "D"),
        ]

    def test_blank_lines_count_as_lines_only(self) -> None:
        assert codes(parse_text, b"\n\nA\n \n\r\nB") == [(3, "A"), (6, "B")]

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_a_byte_order_mark_is_removed(self, encoding: str) -> None:
        assert codes(parse_text, "A\nB".encode(encoding)) == [(1, "A"), (2, "B")]

    def test_letters_of_all_scripts_are_accepted(self) -> None:
        assert codes(parse_text, "ключ-1\n鍵\n".encode()) == [(1, "ключ-1"), (2, "鍵")]

    def test_quotes_and_commas_are_parts_of_a_code(self) -> None:
        assert codes(parse_text, b'"A",B\n') == [(1, '"A",B')]

    @pytest.mark.parametrize("name", [b"code", b"Code", b" CODE "])
    def test_a_header_is_not_sold(self, name: bytes) -> None:
        assert codes(parse_text, name + b"\nA\n") == [(2, "A")]
        assert codes(parse_text, name + b"\nA\n", header=False) == [
            (1, name.decode().strip()),
            (2, "A"),
        ]
        assert codes(parse_text, b"Voucher\nA\n", header=True) == [(2, "A")]

    def test_codes_above_the_maximum_length_are_refused(self) -> None:
        assert codes(parse_text, b"x" * 500) == [(1, "x" * 500)]
        assert problems(parse_text, b"ok\n" + b"x" * 501) == {
            "line 2": ["longer than 500 characters"]
        }

    @pytest.mark.parametrize("raw", [b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf", b"code\n"])
    def test_a_file_without_codes_is_refused(self, raw: bytes) -> None:
        assert problems(parse_text, raw) == NO_CODES

    @pytest.mark.parametrize("raw", [b"A\nB\xff\n", b"A\n\xc3", b"A\n\xed\xa0\x80"])
    def test_invalid_utf_8_is_reported_by_line(self, raw: bytes) -> None:
        assert problems(parse_text, raw) == {
            "line 2": ["Not UTF-8: save the file as CSV in UTF-8."]
        }

    @pytest.mark.parametrize("character", ["\x07", "\x1b", "\u200d", "\u202e"])
    def test_what_nobody_can_type_is_refused_by_its_name(self, character: str) -> None:
        assert problems(parse_text, f"A\nB{character}C\n".encode()) == {
            "line 2": [
                f"column 1 contains the character U+{ord(character):04X}, which nobody can see or"
                " type"
            ]
        }

    @pytest.mark.parametrize("character", ["\u200b", "\ufeff", "\u00ad", "\u2060"])
    def test_invisible_characters_of_pasted_text_are_left_out(self, character: str) -> None:
        raw = f"{character}A\nB{character}C\n".encode()
        assert codes(parse_text, raw) == [(1, "A"), (2, "BC")]
        raw = f"co{character}de,pin\nA{character}1,2\n".encode()
        assert codes(parse_csv, raw, columns=["code", "pin"]) == [(2, "A1 | pin: 2")]

    @pytest.mark.parametrize("space", ["\u00a0", "\u2007", "\u202f"])
    def test_every_space_is_one_that_can_be_typed(self, space: str) -> None:
        assert codes(parse_text, f"A{space}1\n".encode()) == [(1, "A 1")]

    @pytest.mark.parametrize(
        "raw",
        [
            "Key\nA1",
            "Gift Code\nA1",
            "CODES\nA1",
            "licence_key",
            "Gutschein\nA1\n",
            "Clave de activaci\u00f3n\nA1\n",
            "key,pin\nA1,1\n",
            "note;PIN\nA1;1\n",
            "sep=;\nA1\n",
        ],
    )
    def test_it_is_asked_whether_a_line_like_a_name_is_a_header(self, raw: str) -> None:
        ((where, (question,)),) = problems(parse_text, raw.encode()).items()
        assert (where, "`header=true`" in question) == ("header", True)
        first = raw.splitlines()[0]
        assert codes(parse_text, raw.encode(), header=False)[0] == (1, first)
        if "\n" in raw:
            assert codes(parse_text, raw.encode(), header=True)[0][0] == 2

    @pytest.mark.parametrize("raw", ["Alpha\nBravo\n", "ABCDEF\nA1\n", "abcdef\nA1\n", "Alpha"])
    def test_codes_without_digits_need_no_question(self, raw: str) -> None:
        assert [code for _, code in codes(parse_text, raw.encode())] == raw.split()

    def test_the_first_20_problems_are_reported_without_the_codes(self) -> None:
        found = problems(parse_text, b"A\n" + b"sec\x01ret\n" * 30)
        assert list(found) == [f"line {number}" for number in range(2, 22)]
        assert "ret" not in str(found)

    def test_more_than_the_maximum_number_of_codes_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parser, "MAX_CODES", 3)
        assert len(codes(parse_text, b"A\n\nB\nC\n")) == 3
        assert problems(parse_text, b"A\n\nB\nC\nD\n") == {"line 5": ["more than 3 codes"]}

    def test_an_endless_line_is_not_kept_in_memory(self) -> None:
        chunks_read = 0

        def endless() -> Iterator[bytes]:
            nonlocal chunks_read
            yield b"A\n"
            while True:
                chunks_read += 1
                yield b"x" * 8192

        with pytest.raises(CodesInvalid, match="line 2: The line is longer than 65,536 characters"):
            list(parse_text(endless(), NOTHING_SAID).codes)
        assert chunks_read < 20

    def test_codes_are_yielded_before_the_end_of_the_file(self) -> None:
        assert next(parse_text(iter([b"A\nB\nC"]), NOTHING_SAID).codes) == (1, "A", "")


class TestDamage:
    @pytest.mark.parametrize(
        ("value", "what"),
        [
            (b"1.23E+15", "is a number that was changed"),
            (b"1.23e15", "is a number that was changed"),
            (b"-1.2E-3", "is a number that was changed"),
            (b"1E-05", "is a number that was changed"),
            (b"1234567890123.0", "is a number that was changed"),
            (b"6,0113E+18", "is a number that was changed"),
            (b'="00123"', "is a formula that was written"),
            (b"=HYPERLINK(A1)", "is a formula that was written"),
            (b"=A1", "is a formula that was written"),
            (b"=1+1", "is a formula that was written"),
            (b"=0012", "is a formula that was written"),
            (b"#NAME?", "is an error value that was written"),
            (b"#SPILL!", "is an error value that was written"),
            (b"#GETTING_DATA", "is an error value that was written"),
            (b"#DIV/0!", "is an error value that was written"),
            (b"#N/A", "is an error value that was written"),
            (b"Err:502", "is an error value that was written"),
            (b"########", "is an error value that was written"),
            (b"'0012", "has the apostrophe of a text that was written"),
            (b"1-Mar", "is a date that was made"),
            (b"Mar-26", "is a date that was made"),
            (b"2026-03-01 00:00:00", "is a date that was made"),
        ],
    )
    def test_what_a_spreadsheet_has_damaged_is_refused_with_its_line(
        self, value: bytes, what: str
    ) -> None:
        raw = b"A-1\n" + value + b"\n"
        assert problems(parse_text, raw) == {
            "line 2": [
                f"column 1 {what} by a spreadsheet: format it as text before it is exported, or"
                " state `allowDamaged=true` if it is a code"
            ]
        }
        assert codes(parse_text, raw, allow_damaged=True)[1] == (2, value.decode())

    @pytest.mark.parametrize(
        "code",
        [
            "1E15", "12E5", "1E5X9", "12E-54321", "12E+", "A#REF!", "#WINTER26", "A=1", "-1",
            "1.23", "10.0", "1-MARS", "'A'", "O'NEIL",
        ],
    )  # fmt: skip
    def test_similar_codes_are_accepted(self, code: str) -> None:
        assert codes(parse_text, code.encode()) == [(1, code)]


class TestCsv:
    @pytest.mark.parametrize("separator", [b",", b";", b"\t"])
    @pytest.mark.parametrize("name", [b"code", b"Code", b'"CODE"', b" code "])
    def test_the_only_column_code_needs_no_question(self, name: bytes, separator: bytes) -> None:
        raw = name + b"\nA\nB\n"
        assert codes(parse_csv, raw) == [(2, "A"), (3, "B")]
        # Spreadsheets write empty columns and rows.
        padded = raw.replace(b"\n", separator * 2 + b"\n") + separator * 2 + b"\n"
        assert codes(parse_csv, padded) == [(2, "A"), (3, "B")]

    @pytest.mark.parametrize("raw", [b"A\nB\n", b"Voucher number\nA\n"])
    def test_it_is_asked_whether_an_unknown_first_row_is_a_header(self, raw: bytes) -> None:
        ((where, (question,)),) = problems(parse_csv, raw).items()
        assert where == "header"
        assert "`header=true`" in question
        assert len(codes(parse_csv, raw, header=False)) == 2
        assert len(codes(parse_csv, raw, header=True)) == 1

    def test_it_is_asked_which_of_several_columns_to_sell(self) -> None:
        raw = b"code,pin,note\nA,1234,x\nB,5678,y\n"
        ((where, (question,)),) = problems(parse_csv, raw).items()
        assert where == "column"
        assert "(code, pin, note)" in question
        assert codes(parse_csv, raw, columns=["code"]) == [(2, "A"), (3, "B")]
        assert codes(parse_csv, raw, columns=["Code", "PIN"]) == [
            (2, "A | pin: 1234"),
            (3, "B | pin: 5678"),
        ]
        assert codes(parse_csv, raw, columns=["pin"]) == [(2, "1234"), (3, "5678")]

    def test_columns_without_names_have_positions(self) -> None:
        raw = b"A;1234;x\nB;5678;y\n"
        assert list(problems(parse_csv, raw, header=False)) == ["column"]
        assert codes(parse_csv, raw, header=False, columns=["1", "2"]) == [
            (1, "A | 1234"),
            (2, "B | 5678"),
        ]

    @pytest.mark.parametrize(
        ("columns", "problem"),
        [
            (["serial"], "the file has no column serial"),
            (["3"], "the file has no column 3"),
            (["0"], "the file has no column 0"),
            (["code", "1"], "states a column twice"),
        ],
    )
    def test_a_column_that_does_not_exist_is_refused(
        self, columns: list[str], problem: str
    ) -> None:
        assert problems(parse_csv, b"code,pin\nA,1\n", columns=columns, header=True) == {
            "column": [problem]
        }

    def test_a_name_that_occurs_twice_is_refused(self) -> None:
        assert problems(parse_csv, b"code,Code\nA,B\n", columns=["code"]) == {
            "column": ["the file has several columns code"]
        }

    @pytest.mark.parametrize("name", ["", "pin\nnow", "p\u202ein"])
    def test_a_name_that_would_be_sold_must_be_printable(self, name: str) -> None:
        raw = f'code,"{name}",x\nA,1,2\n'.encode()
        assert problems(parse_csv, raw, columns=["code", "2"]) == {
            "column": ["the name of a sold column must be printable text"]
        }

    def test_how_a_file_is_understood_is_shown(self) -> None:
        file = parse_csv([b"Code;Pin\nA;1\n"], Layout(["code", "pin"]))
        assert (file.header, file.columns) == (["Code", "Pin"], ["Code", "Pin"])
        file = parse_csv([b"A;1\n"], Layout(["2"], header=False))
        assert (file.header, file.columns) == (None, ["2"])

    def test_quoted_cells_have_commas_quotes_and_line_ends(self) -> None:
        raw = b'code,note\n"A,""1""","two\nlines"\nB,x\n'
        assert codes(parse_csv, raw, columns=["code"]) == [(2, 'A,"1"'), (4, "B")]

    def test_a_header_may_follow_a_byte_order_mark_and_blank_lines(self) -> None:
        assert codes(parse_csv, b"\xef\xbb\xbf\n,\ncode,,\nA,,\n") == [(4, "A")]

    def test_empty_rows_are_skipped(self) -> None:
        assert codes(parse_csv, b'code\nA\n\n""\n,\nB\n') == [(2, "A"), (6, "B")]

    def test_an_empty_cell_of_a_sold_column_is_refused(self) -> None:
        raw = b"code,pin\nA,\n,1\n"
        assert problems(parse_csv, raw, columns=["code", "pin"]) == {
            "line 2": ["column pin is empty"],
            "line 3": ["column code is empty"],
        }

    def test_a_row_with_more_cells_than_columns_is_refused(self) -> None:
        assert problems(parse_csv, b"code\nA\nB,1\n") == {
            "line 3": ["has 2 cells, more than line 1"]
        }

    def test_a_code_of_two_lines_is_refused(self) -> None:
        assert problems(parse_csv, b'code\n"B\nC"\n') == {
            "line 2": ["column code contains a line end, which nobody can see or type"]
        }

    @pytest.mark.parametrize("raw", [b"", b"code\n", b",,\n"])
    def test_a_table_without_codes_is_refused(self, raw: bytes) -> None:
        assert problems(parse_csv, raw) == NO_CODES

    @pytest.mark.parametrize(("raw", "line"), [(b'code\n"B', 2), (b'code\nB\n"C"D\n', 3)])
    def test_invalid_csv_is_reported_by_line(self, raw: bytes, line: int) -> None:
        assert list(problems(parse_csv, raw)) == [f"line {line}"]

    def test_an_unterminated_quote_is_not_kept_in_memory(self) -> None:
        chunks_read = 0

        def endless() -> Iterator[bytes]:
            nonlocal chunks_read
            yield b'code\n"'
            while True:
                chunks_read += 1
                yield b"x\n" * 4096

        with pytest.raises(CodesInvalid):
            list(parse_csv(endless(), NOTHING_SAID).codes)
        assert chunks_read < 20
