"""Files of codes, split at every possible position."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from app.delivery.codes import parser
from app.delivery.codes.errors import CodesInvalid
from app.delivery.codes.parser import ParsedCode, parse_csv, parse_text

Reader = Callable[[Iterable[bytes]], Iterator[ParsedCode]]


def split(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def codes(read: Reader, raw: bytes) -> list[tuple[int, str]]:
    """The parsed codes, which must not depend on the chunks."""
    whole = [tuple(line) for line in read([raw])]
    for size in (1, 2, 3, 7):
        assert [tuple(line) for line in read(split(raw, size))] == whole
    return whole


def problems(read: Reader, raw: bytes) -> dict[str, list[str]]:
    """The problems of an invalid file."""
    with pytest.raises(CodesInvalid) as refused:
        codes(read, raw)
    return refused.value.details


class TestText:
    def test_each_line_is_a_code_without_the_white_space_around_it(self) -> None:
        assert codes(parse_text, b"A-1\r\n  B-2 \t\n\xc2\xa0C 3\n") == [
            (1, "A-1"),
            (2, "B-2"),
            (3, "C 3"),
        ]

    def test_blank_lines_count_as_lines_only(self) -> None:
        assert codes(parse_text, b"\n\nA\n \n\r\nB") == [(3, "A"), (6, "B")]

    def test_a_byte_order_mark_is_removed(self) -> None:
        assert codes(parse_text, b"\xef\xbb\xbfA\nB") == [(1, "A"), (2, "B")]

    def test_letters_of_all_scripts_are_accepted(self) -> None:
        assert codes(parse_text, "ключ-1\n鍵\n".encode()) == [(1, "ключ-1"), (2, "鍵")]

    def test_quotes_and_commas_are_parts_of_a_code(self) -> None:
        assert codes(parse_text, b'"A",B\n') == [(1, '"A",B')]

    def test_codes_above_the_maximum_length_are_refused(self) -> None:
        assert codes(parse_text, b"x" * 500) == [(1, "x" * 500)]
        assert problems(parse_text, b"ok\n" + b"x" * 501) == {
            "line 2": ["longer than 500 characters"]
        }

    @pytest.mark.parametrize("raw", [b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf"])
    def test_a_file_without_codes_is_refused(self, raw: bytes) -> None:
        assert problems(parse_text, raw) == {"line 1": ["the file contains no codes"]}

    @pytest.mark.parametrize("raw", [b"A\nB\xff\n", b"A\n\xc3", b"A\n\xed\xa0\x80"])
    def test_invalid_utf_8_is_reported_by_line(self, raw: bytes) -> None:
        assert problems(parse_text, raw) == {"line 2": ["Not UTF-8."]}

    @pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\u200b", "\u202e", "\ufeff"])
    def test_invisible_characters_are_refused(self, character: str) -> None:
        assert problems(parse_text, f"A\nB{character}C\n".encode()) == {
            "line 2": ["contains non-printable characters"]
        }

    def test_carriage_returns_alone_are_refused(self) -> None:
        assert problems(parse_text, b"A\rB\rC") == {"line 1": ["contains non-printable characters"]}

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

        with pytest.raises(CodesInvalid, match="line 2: Longer than 64 KiB"):
            list(parse_text(endless()))
        assert chunks_read < 20

    def test_codes_are_yielded_before_the_end_of_the_file(self) -> None:
        assert next(parse_text(iter([b"A\nB"]))) == (1, "A")


class TestCsv:
    def test_without_a_header_the_first_column_is_used(self) -> None:
        assert codes(parse_csv, b"A,1\r\nB,2\r\n") == [(1, "A"), (2, "B")]

    @pytest.mark.parametrize("name", [b"code", b"Code", b' "CODE"'.strip(), b" code "])
    def test_with_a_header_the_column_code_is_used(self, name: bytes) -> None:
        assert codes(parse_csv, b"note," + name + b"\nspring,A\nsummer,B\n") == [(2, "A"), (3, "B")]

    def test_a_header_may_follow_a_byte_order_mark_and_blank_lines(self) -> None:
        assert codes(parse_csv, b"\xef\xbb\xbf\n,\ncode,note\nA,x\n") == [(4, "A")]

    def test_quoted_cells_have_commas_quotes_and_line_ends(self) -> None:
        raw = b'code,note\n"A,""1""","two\nlines"\nB,x\n'
        assert codes(parse_csv, raw) == [(2, 'A,"1"'), (4, "B")]

    def test_empty_rows_are_skipped(self) -> None:
        assert codes(parse_csv, b'A\n\n""\n,\nB\n') == [(1, "A"), (5, "B")]

    def test_a_row_without_a_code_is_refused(self) -> None:
        assert problems(parse_csv, b"code,note\nA,x\n,y\n") == {"line 3": ["the code is missing"]}
        assert problems(parse_csv, b"note,code\nx,A\ny\n") == {"line 3": ["the code is missing"]}

    def test_a_code_of_two_lines_is_refused(self) -> None:
        assert problems(parse_csv, b'A\n"B\nC"\n') == {
            "line 2": ["contains non-printable characters"]
        }

    def test_a_header_alone_is_refused(self) -> None:
        assert problems(parse_csv, b"code\n") == {"line 1": ["the file contains no codes"]}

    @pytest.mark.parametrize(("raw", "line"), [(b'A\n"B', 2), (b'A\nB\n"C"D\n', 3), (b"A\rB", 1)])
    def test_invalid_csv_is_reported_by_line(self, raw: bytes, line: int) -> None:
        ((where, (what,)),) = problems(parse_csv, raw).items()
        assert where == f"line {line}"
        assert what.startswith("Not CSV: ")

    def test_an_unterminated_quote_is_not_kept_in_memory(self) -> None:
        chunks_read = 0

        def endless() -> Iterator[bytes]:
            nonlocal chunks_read
            yield b'A\n"'
            while True:
                chunks_read += 1
                yield b"x\n" * 4096

        with pytest.raises(CodesInvalid, match="line 2: Not CSV: a row is too long"):
            list(parse_csv(endless()))
        assert chunks_read < 20
