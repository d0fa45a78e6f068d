"""CSV documents (RFC 4180) in UTF-8, streamed in both directions, safe for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

#: Characters by which a spreadsheet recognizes a formula
#: (https://owasp.org/www-community/attacks/CSV_Injection), including full-width forms.
FORMULA_STARTS: Final = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"

_BYTE_ORDER_MARK: Final = "\ufeff"
#: Maximum characters per row, so that an unclosed quote does not exhaust memory.
MAX_ROW: Final = 64 * 1024


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
    return text.lstrip("'").startswith(tuple(FORMULA_STARTS))


def read(chunks: Iterable[bytes]) -> Iterator[Row]:
    """Each row that is not blank. chunks: the document, split anywhere.

    A byte order mark is skipped. Raises CsvInvalid.
    """
    # A character has at most four bytes.
    lines = _without_nul(text_lines(chunks, max_bytes=4 * MAX_ROW))
    return (row for row in parse_rows(lines) if row.cells)


def parse_rows(lines: Iterable[str]) -> Iterator[Row]:
    """Each row of CSV, also a blank one. lines: with their ends. Raises CsvInvalid."""
    begins, fed = 1, 0

    def feed() -> Iterator[str]:
        nonlocal fed
        for text in lines:
            fed += len(text)
            if fed > MAX_ROW:
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
        yield Row(begins, cells)


def text_lines(chunks: Iterable[bytes], *, max_bytes: int) -> Iterator[str]:
    """Each line of a UTF-8 text with its end, without a byte order mark, one in memory at a time.

    chunks: the text, split anywhere. Raises CsvInvalid.
    """
    number, rest = 0, b""
    for chunk in chunks:
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            number += 1
            _require_max_length(line, number, max_bytes)
            yield _decode(line + b"\n", number)
        _require_max_length(rest, number + 1, max_bytes)
    if rest:
        yield _decode(rest, number + 1)


def _require_max_length(line: bytes, number: int, max_bytes: int) -> None:
    if len(line) > max_bytes:
        raise CsvInvalid(number, f"Longer than {max_bytes // 1024} KiB.")


def _decode(line: bytes, number: int) -> str:
    text = None
    with suppress(UnicodeDecodeError):
        text = line.decode()
    if text is None:
        # Not from within the handler: a UnicodeDecodeError contains the text, which may be secret.
        raise CsvInvalid(number, "Not UTF-8.")
    return text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text


def _without_nul(lines: Iterable[str]) -> Iterator[str]:
    for number, text in enumerate(lines, 1):
        if "\0" in text:
            raise CsvInvalid(number, "NUL is not allowed.")
        yield text
