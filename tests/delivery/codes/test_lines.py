"""Files of codes, cut into pieces at every possible place."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from app.delivery.codes import lines
from app.delivery.codes.errors import CodesInvalid
from app.delivery.codes.lines import Line, read_csv, read_text

Reader = Callable[[Iterable[bytes]], Iterator[Line]]


def cut(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def codes(read: Reader, raw: bytes) -> list[tuple[int, str]]:
    """What is read, however the file comes in."""
    whole = [tuple(line) for line in read([raw])]
    for size in (1, 2, 3, 7):
        assert [tuple(line) for line in read(cut(raw, size))] == whole
    return whole


def problems(read: Reader, raw: bytes) -> dict[str, list[str]]:
    """What is wrong with a file."""
    with pytest.raises(CodesInvalid) as refused:
        codes(read, raw)
    return refused.value.details


class TestText:
    def test_each_line_is_a_code_without_the_white_space_around_it(self) -> None:
        assert codes(read_text, b"A-1\r\n  B-2 \t\n\xc2\xa0C 3\n") == [
            (1, "A-1"),
            (2, "B-2"),
            (3, "C 3"),
        ]

    def test_blank_lines_count_as_lines_only(self) -> None:
        assert codes(read_text, b"\n\nA\n \n\r\nB") == [(3, "A"), (6, "B")]

    def test_a_byte_order_mark_is_no_part_of_a_code(self) -> None:
        assert codes(read_text, b"\xef\xbb\xbfA\nB") == [(1, "A"), (2, "B")]

    def test_letters_of_all_scripts_are_taken(self) -> None:
        assert codes(read_text, "ключ-1\n鍵\n".encode()) == [(1, "ключ-1"), (2, "鍵")]

    def test_quotes_and_commas_are_parts_of_a_code(self) -> None:
        assert codes(read_text, b'"A",B\n') == [(1, '"A",B')]

    def test_the_longest_code_fits_and_one_more_character_does_not(self) -> None:
        assert codes(read_text, b"x" * 500) == [(1, "x" * 500)]
        assert problems(read_text, b"ok\n" + b"x" * 501) == {
            "line 2": ["longer than 500 characters"]
        }

    @pytest.mark.parametrize("raw", [b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf"])
    def test_a_file_without_codes_is_refused(self, raw: bytes) -> None:
        assert problems(read_text, raw) == {"line 1": ["no code, nor in any other line"]}

    @pytest.mark.parametrize("raw", [b"A\nB\xff\n", b"A\n\xc3", b"A\n\xed\xa0\x80"])
    def test_what_is_not_utf_8_is_refused_by_its_line(self, raw: bytes) -> None:
        assert problems(read_text, raw) == {"line 2": ["not UTF-8"]}

    @pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\u200b", "\u202e", "\ufeff"])
    def test_what_nobody_can_see_is_refused(self, character: str) -> None:
        assert problems(read_text, f"A\nB{character}C\n".encode()) == {
            "line 2": ["has characters that cannot be printed"]
        }

    def test_an_old_macs_line_ends_are_noticed(self) -> None:
        assert problems(read_text, b"A\rB\rC") == {
            "line 1": ["has characters that cannot be printed"]
        }

    def test_the_first_20_problems_are_told_and_never_what_the_line_says(self) -> None:
        found = problems(read_text, b"A\n" + b"sec\x01ret\n" * 30)
        assert list(found) == [f"line {number}" for number in range(2, 22)]
        assert "ret" not in str(found)

    def test_one_code_too_many_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lines, "MAX_CODES", 3)
        assert len(codes(read_text, b"A\n\nB\nC\n")) == 3
        assert problems(read_text, b"A\n\nB\nC\nD\n") == {"line 5": ["more than 3 codes"]}

    def test_a_line_without_end_is_not_kept_in_memory(self) -> None:
        drawn = 0

        def endless() -> Iterator[bytes]:
            nonlocal drawn
            yield b"A\n"
            while True:
                drawn += 1
                yield b"x" * 8192

        with pytest.raises(CodesInvalid, match="line 2: longer than 64 KiB"):
            list(read_text(endless()))
        assert drawn < 20

    def test_codes_come_before_the_file_is_read_to_its_end(self) -> None:
        assert next(read_text(iter([b"A\nB"]))) == (1, "A")


class TestCsv:
    def test_without_a_header_the_first_column_counts(self) -> None:
        assert codes(read_csv, b"A,1\r\nB,2\r\n") == [(1, "A"), (2, "B")]

    @pytest.mark.parametrize("name", [b"code", b"Code", b' "CODE"'.strip(), b" code "])
    def test_with_a_header_the_column_of_that_name(self, name: bytes) -> None:
        assert codes(read_csv, b"note," + name + b"\nspring,A\nsummer,B\n") == [(2, "A"), (3, "B")]

    def test_a_header_may_follow_a_byte_order_mark_and_blank_lines(self) -> None:
        assert codes(read_csv, b"\xef\xbb\xbf\n,\ncode,note\nA,x\n") == [(4, "A")]

    def test_quoted_cells_have_commas_quotes_and_line_ends(self) -> None:
        raw = b'code,note\n"A,""1""","two\nlines"\nB,x\n'
        assert codes(read_csv, raw) == [(2, 'A,"1"'), (4, "B")]

    def test_rows_without_anything_in_them_are_left_out(self) -> None:
        assert codes(read_csv, b'A\n\n""\n,\nB\n') == [(1, "A"), (5, "B")]

    def test_a_row_without_a_code_is_refused(self) -> None:
        assert problems(read_csv, b"code,note\nA,x\n,y\n") == {"line 3": ["no code in it"]}
        assert problems(read_csv, b"note,code\nx,A\ny\n") == {"line 3": ["no code in it"]}

    def test_a_code_of_two_lines_is_refused(self) -> None:
        assert problems(read_csv, b'A\n"B\nC"\n') == {
            "line 2": ["has characters that cannot be printed"]
        }

    def test_only_a_header_is_no_code(self) -> None:
        assert problems(read_csv, b"code\n") == {"line 1": ["no code, nor in any other line"]}

    @pytest.mark.parametrize(("raw", "line"), [(b'A\n"B', 2), (b'A\nB\n"C"D\n', 3), (b"A\rB", 1)])
    def test_what_is_not_csv_is_refused_by_its_line(self, raw: bytes, line: int) -> None:
        ((where, (what,)),) = problems(read_csv, raw).items()
        assert where == f"line {line}"
        assert what.startswith("not CSV: ")

    def test_a_quote_without_end_is_not_kept_in_memory(self) -> None:
        drawn = 0

        def endless() -> Iterator[bytes]:
            nonlocal drawn
            yield b'A\n"'
            while True:
                drawn += 1
                yield b"x\n" * 4096

        with pytest.raises(CodesInvalid, match="line 2: a quote that does not end"):
            list(read_csv(endless()))
        assert drawn < 20
