"""Reading a file of codes: text or CSV (RFC 4180) in UTF-8, never more of it than a line."""

import csv
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from app.delivery.codes.errors import CodesInvalid

MAX_CODES: Final = 100_000
MAX_CODE: Final = 500

#: In bytes; a row of a CSV file, which may be of several lines, has so many characters at most.
_MAX_LINE: Final = 64 * 1024
#: Whoever has sent the wrong file need not read about each line of it.
_MAX_PROBLEMS: Final = 20
_HEADER: Final = "code"
_BYTE_ORDER_MARK: Final = "\ufeff"


class Line(NamedTuple):
    """A code, and where in the file it stands, from 1."""

    number: int
    code: str


def read_text(pieces: Iterable[bytes]) -> Iterator[Line]:
    """The codes of a text, one in each line.

    pieces: of the file, cut anywhere. Raises CodesInvalid; what was read before counts for nothing.
    """
    return _checked(_lines(pieces))


def read_csv(pieces: Iterable[bytes]) -> Iterator[Line]:
    """The codes of a CSV file: its column `code` if it has a header, else its first column.

    As `read_text`.
    """
    return _checked(_cells(pieces))


def _checked(cells: Iterable[tuple[int, str]]) -> Iterator[Line]:
    problems: dict[str, str] = {}
    count = 0
    for number, text in cells:
        code = text.strip()
        if not code:
            continue
        count += 1
        if count > MAX_CODES:
            raise CodesInvalid({f"line {number}": f"more than {MAX_CODES:,} codes"})
        if problem := _problem(code):
            problems[f"line {number}"] = problem
            if len(problems) == _MAX_PROBLEMS:
                break
        elif not problems:
            yield Line(number, code)
    if problems:
        raise CodesInvalid(problems)
    if not count:
        raise CodesInvalid({"line 1": "no code, nor in any other line"})


def _problem(code: str) -> str | None:
    if len(code) > MAX_CODE:
        return f"longer than {MAX_CODE} characters"
    return None if code.isprintable() else "has characters that cannot be printed"


def _lines(pieces: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Each line with its end, as text."""
    for number, raw in enumerate(_raw_lines(pieces), 1):
        text = _decoded(raw)
        if text is None:
            raise CodesInvalid({f"line {number}": "not UTF-8"})
        yield number, text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text


def _decoded(raw: bytes) -> str | None:
    """The text, or None. The error has the code in it, so it is not passed on."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _raw_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    number, rest = 0, b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            number += 1
            _require_short(line, number)
            yield line + b"\n"
        _require_short(rest, number + 1)
    if rest:
        yield rest


def _require_short(line: bytes, number: int) -> None:
    if len(line) > _MAX_LINE:
        raise CodesInvalid({f"line {number}": f"longer than {_MAX_LINE // 1024} KiB"})


def _cells(pieces: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The cell of each row that is a code, with the line that the row begins in."""
    column = None
    for number, row in _rows(pieces):
        if column is None:
            names = [cell.strip().casefold() for cell in row]
            column = names.index(_HEADER) if _HEADER in names else 0
            if _HEADER in names:
                continue
        cell = row[column] if column < len(row) else ""
        if not cell.strip():
            raise CodesInvalid({f"line {number}": "no code in it"})
        yield number, cell


def _rows(pieces: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line that it begins in."""
    begins, fed = 1, 0

    def feed() -> Iterator[str]:
        nonlocal fed
        for _, text in _lines(pieces):
            fed += len(text)
            if fed > _MAX_LINE:
                raise CodesInvalid({f"line {begins}": "a quote that does not end"})
            yield text

    reader = csv.reader(feed(), strict=True)
    while True:
        begins, fed = reader.line_num + 1, 0
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CodesInvalid({f"line {begins}": f"not CSV: {error}"}) from error
        if any(cell.strip() for cell in row):
            yield begins, row
