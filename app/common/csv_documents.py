"""CSV documents (RFC 4180) in UTF-8, streamed in both directions, safe for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

#: Characters by which a spreadsheet recognizes a formula
#: (https://owasp.org/www-community/attacks/CSV_Injection), including full-width forms.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

_BYTE_ORDER_MARK: Final = "\ufeff"
#: Maximum characters per row, so that an unclosed quote does not exhaust memory.
_MAX_ROW: Final = 64 * 1024


class CsvInvalid(Exception):
    """The document is not CSV, or not text. line: its line number, from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class Row(NamedTuple):
    """line: the number of the line where the row starts, from 1."""

    line: int
    cells: list[str]


def write(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as lines of CSV; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


#: The last row of a truncated document. It has too few cells to be imported.
TRUNCATED: Final = write([("This document is incomplete: request it again.",)])


def escape_formula(text: str | None) -> str | None:
    """Prefix text that a spreadsheet would interpret as a formula with an apostrophe.

    So is a text that looks escaped already, so that `unescape_formula` restores every text.
    """
    return f"'{text}" if text and _is_risky(text) else text


def unescape_formula(text: str) -> str:
    """The text that `escape_formula` returned this for; other texts stay as they are."""
    return text[1:] if text.startswith("'") and _is_risky(text) else text


def _is_risky(text: str) -> bool:
    return text.lstrip("'").startswith(_FORMULA)


def read(pieces: Iterable[bytes]) -> Iterator[Row]:
    """Each row that is not blank. pieces: the document, split anywhere.

    A byte order mark is skipped. Raises CsvInvalid.
    """
    begins, fed = 1, 0

    def feed() -> Iterator[str]:
        nonlocal fed
        for text in _lines(pieces):
            fed += len(text)
            if fed > _MAX_ROW:
                raise CsvInvalid(begins, "Not CSV: a row is too long.")
            yield text

    reader = csv.reader(feed(), strict=True)
    while True:
        begins, fed = reader.line_num + 1, 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CsvInvalid(begins, f"Not CSV: {error}.") from error
        if cells:
            yield Row(begins, cells)


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Each line with its end."""
    for number, raw in enumerate(_raw_lines(pieces), 1):
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise CsvInvalid(number, "Not UTF-8.") from error
        if "\0" in text:
            raise CsvInvalid(number, "NUL is not allowed.")
        yield text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text


def _raw_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    number, rest = 0, b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            number += 1
            yield line + b"\n"
        if len(rest) > 4 * _MAX_ROW:  # bytes per character
            raise CsvInvalid(number + 1, "Not CSV: a row is too long.")
    if rest:
        yield rest
