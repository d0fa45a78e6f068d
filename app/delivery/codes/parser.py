"""Parses files of codes: text or CSV (RFC 4180) in UTF-8, one line in memory at a time."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from app.common.csv_documents import MAX_ROW, CsvInvalid, parse_rows, text_lines
from app.delivery.codes.errors import CodesInvalid

MAX_CODES: Final = 100_000
MAX_CODE_LENGTH: Final = 500

#: Lines listed in an error, because every line of a wrong file is invalid.
_MAX_PROBLEMS: Final = 20
_HEADER: Final = "code"


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
    try:
        yield from _codes(cells)
    except CsvInvalid as error:
        raise CodesInvalid({f"line {error.line}": error.problem}) from error


def _codes(cells: Iterable[tuple[int, str]]) -> Iterator[ParsedCode]:
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
    return enumerate(text_lines(chunks, max_bytes=MAX_ROW), 1)


def _cells(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The code of each row that is not blank, with the line in which the row begins."""
    column = None
    for number, row in parse_rows(text for _, text in _lines(chunks)):
        if not any(cell.strip() for cell in row):
            continue
        if column is None:
            names = [cell.strip().casefold() for cell in row]
            column = names.index(_HEADER) if _HEADER in names else 0
            if _HEADER in names:
                continue
        cell = row[column] if column < len(row) else ""
        if not cell.strip():
            raise CodesInvalid({f"line {number}": "the code is missing"})
        yield number, cell
