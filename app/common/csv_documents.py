"""Tables as CSV (RFC 4180) in UTF-8, read and written piece by piece, safe for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

#: What makes a spreadsheet take a text for a formula
#: (https://owasp.org/www-community/attacks/CSV_Injection), in its full-width forms, too.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

_BYTE_ORDER_MARK: Final = "\ufeff"
#: Characters of a row at most, so that a quote that never ends does not fill the memory.
_LONGEST_ROW: Final = 64 * 1024


class NotATable(Exception):
    """What is not CSV, or not text. line: where in the file, from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class Row(NamedTuple):
    """line: in which it begins, from 1."""

    line: int
    cells: list[str]


def write(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as lines of CSV; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


#: Ends a table that does not come to its end. It has too few cells, so nobody can take it in.
BROKEN_OFF: Final = write([("This table broke off here and is not whole: ask again.",)])


def guarded(text: str | None) -> str | None:
    """A text that no spreadsheet takes for a formula: behind an apostrophe if it might.

    So is what looks as if it were guarded already, so that `unguarded` gives back every text.
    """
    return f"'{text}" if text and _is_risky(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` made this of; what it cannot have made is left as it is."""
    return text[1:] if text.startswith("'") and _is_risky(text) else text


def _is_risky(text: str) -> bool:
    return text.lstrip("'").startswith(_FORMULA)


def read(pieces: Iterable[bytes]) -> Iterator[Row]:
    """Each row that is not blank. pieces: of the file, cut anywhere.

    A byte order mark is skipped. Raises NotATable.
    """
    begins, fed = 1, 0

    def feed() -> Iterator[str]:
        nonlocal fed
        for text in _lines(pieces):
            fed += len(text)
            if fed > _LONGEST_ROW:
                raise NotATable(begins, "Not CSV: a row that does not end.")
            yield text

    reader = csv.reader(feed(), strict=True)
    while True:
        begins, fed = reader.line_num + 1, 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise NotATable(begins, f"Not CSV: {error}.") from error
        if cells:
            yield Row(begins, cells)


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Each line with its end."""
    for number, raw in enumerate(_raw_lines(pieces), 1):
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise NotATable(number, "Not UTF-8.") from error
        if "\0" in text:
            raise NotATable(number, "NUL is not allowed.")
        yield text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text


def _raw_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    number, rest = 0, b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            number += 1
            yield line + b"\n"
        if len(rest) > 4 * _LONGEST_ROW:  # bytes of a character at most
            raise NotATable(number + 1, "Not CSV: a row that does not end.")
    if rest:
        yield rest
