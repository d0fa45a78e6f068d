"""Parses files of codes: text or CSV (RFC 4180) in UTF-8, one line in memory at a time."""

import csv
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from app.delivery.codes.errors import CodesInvalid

MAX_CODES: Final = 100_000
MAX_CODE_LENGTH: Final = 500

#: Of a line in bytes, and of a CSV row, which may span lines, in characters.
_MAX_LINE: Final = 64 * 1024
#: A report on every line of a wrong file would help nobody.
_MAX_PROBLEMS: Final = 20
_HEADER: Final = "code"
_BYTE_ORDER_MARK: Final = "\ufeff"


class ParsedCode(NamedTuple):
    """A code and its line in the file, counted from 1."""

    line: int
    code: str


def parse_text(chunks: Iterable[bytes]) -> Iterator[ParsedCode]:
    """The codes of a text file, one per line.

    chunks: of the file, split anywhere. Raises CodesInvalid, even after it has yielded codes.
    """
    return _validated(_lines(chunks))


def parse_csv(chunks: Iterable[bytes]) -> Iterator[ParsedCode]:
    """The codes of a CSV file: the column `code` if there is a header, else the first column.

    As `parse_text`.
    """
    return _validated(_cells(chunks))


def _validated(cells: Iterable[tuple[int, str]]) -> Iterator[ParsedCode]:
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
            yield ParsedCode(number, code)
    if problems:
        raise CodesInvalid(problems)
    if not count:
        raise CodesInvalid({"line 1": "the file contains no codes"})


def _problem(code: str) -> str | None:
    if len(code) > MAX_CODE_LENGTH:
        return f"longer than {MAX_CODE_LENGTH} characters"
    return None if code.isprintable() else "contains non-printable characters"


def _lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Each line as text, with its line ending."""
    for number, raw in enumerate(_raw_lines(chunks), 1):
        text = _decode(raw)
        if text is None:
            raise CodesInvalid({f"line {number}": "not UTF-8"})
        yield number, text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text


def _decode(raw: bytes) -> str | None:
    """The text, or None. A UnicodeDecodeError contains the code, so it must not propagate."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _raw_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    number, rest = 0, b""
    for chunk in chunks:
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            number += 1
            _require_max_length(line, number)
            yield line + b"\n"
        _require_max_length(rest, number + 1)
    if rest:
        yield rest


def _require_max_length(line: bytes, number: int) -> None:
    if len(line) > _MAX_LINE:
        raise CodesInvalid({f"line {number}": f"longer than {_MAX_LINE // 1024} KiB"})


def _cells(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The code of each row, with the line in which the row begins."""
    column = None
    for number, row in _rows(chunks):
        if column is None:
            names = [cell.strip().casefold() for cell in row]
            column = names.index(_HEADER) if _HEADER in names else 0
            if _HEADER in names:
                continue
        cell = row[column] if column < len(row) else ""
        if not cell.strip():
            raise CodesInvalid({f"line {number}": "the code is missing"})
        yield number, cell


def _rows(chunks: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line in which it begins."""
    first_line, fed = 1, 0

    def feed() -> Iterator[str]:
        nonlocal fed
        for _, text in _lines(chunks):
            fed += len(text)
            if fed > _MAX_LINE:
                raise CodesInvalid({f"line {first_line}": "an unterminated quote"})
            yield text

    reader = csv.reader(feed(), strict=True)
    while True:
        first_line, fed = reader.line_num + 1, 0
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CodesInvalid({f"line {first_line}": f"invalid CSV: {error}"}) from error
        if any(cell.strip() for cell in row):
            yield first_line, row
