"""Parses files of codes, one row in memory at a time. Nothing about a file is guessed."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from app.common.csv_reader import CsvInvalid, Row, fold_name, read, text_lines
from app.delivery.codes.errors import CodesInvalid

MAX_CODES: Final = 100_000
MAX_CODE_LENGTH: Final = 500

#: Lines listed in an error, because every line of a wrong file is invalid.
_MAX_PROBLEMS: Final = 20
#: The name of the column with the codes, which needs no question.
_CODE: Final = "code"
#: Between what is sold together.
_JOIN: Final = " | "

#: What a spreadsheet makes of a long number, of text that should stay text, and of a formula.
_DAMAGES: Final = (
    (re.compile(r"[+-]?[0-9]+([.,][0-9]+)?E\+[0-9]+", re.I), "is a number that was shortened"),
    (re.compile(r'=".*"|=[A-Z]+\(.*\)', re.I), "is a formula"),
    (re.compile(r"#(NAME\?|REF!|VALUE!|N/A|NUM!|DIV/0!|NULL!)|#{3,}"), "is an error value"),
)


class ParsedCode(NamedTuple):
    """A code and its line in the file, counted from 1.

    identity: what makes it the same code as another, if it is not all of it.
    """

    line: int
    code: str
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the merchant says about the columns of a file.

    columns: those that are sold together, by their names or by their positions from 1. The first
    one identifies a code. Empty if nothing is said. header: whether the first row has their names;
    None if nothing is said.
    """

    columns: Sequence[str] = ()
    header: bool | None = None


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A file of codes.

    header: the names of its columns, if it has them. columns: the names or positions of those that
    are sold together. codes: raises CodesInvalid, even after it has yielded codes.
    """

    header: Sequence[str] | None
    columns: Sequence[str]
    codes: Iterator[ParsedCode]


def parse_text(chunks: Iterable[bytes], layout: Layout) -> CodeFile:
    """A text file, each line of which is a code. A first line `code` is a header.

    chunks: of the file, split anywhere. Raises CodesInvalid.
    """
    return _parse(_lines(chunks), layout, has_header=False)


def parse_csv(chunks: Iterable[bytes], layout: Layout) -> CodeFile:
    """A CSV file (see `csv_reader.read`) with the codes in the column `code`.

    If there is no such column, or if there are others, `layout` must say what to sell.
    As `parse_text`.
    """
    return _parse(read(chunks), layout, has_header=None)


def _lines(chunks: Iterable[bytes]) -> Iterator[Row]:
    for number, line in enumerate(text_lines(chunks), 1):
        if line.strip():
            yield Row(number, [line], 1)


def _parse(rows: Iterator[Row], layout: Layout, *, has_header: bool | None) -> CodeFile:
    """has_header: as of Layout, if neither the layout nor the first row says it."""
    try:
        first = next(rows, None)
    except CsvInvalid as error:
        raise _not_csv(error) from error
    if first is None:
        raise CodesInvalid({"line 1": "the file contains no codes"})
    names = [cell.strip() for cell in first.cells]
    if layout.header is not None:
        has_header = layout.header
    elif _CODE in map(fold_name, names) or not all(map(str.isdecimal, layout.columns)):
        has_header = True
    if has_header is None:
        raise CodesInvalid(
            {
                "header": "state whether line 1 has the names of the columns: `header=true`, or"
                " `header=false` if it has a code"
            }
        )
    header = names if has_header else None
    positions = _positions(layout.columns, header, len(names))
    columns = [names[at] if has_header else str(at + 1) for at in positions]
    for column in columns[1:]:  # their names are sold
        if not column or not column.isprintable():
            raise CodesInvalid({"column": "the name of a sold column must be printable text"})
    found = _cells(
        rows if has_header else chain((first,), rows),
        positions=positions,
        columns=columns,
        labels=columns if has_header else None,
        width=len(names),
    )
    return CodeFile(header, columns, _codes(found))


def _positions(wanted: Sequence[str], header: Sequence[str] | None, width: int) -> list[int]:
    """The positions of the columns to sell. width: the number of columns."""
    folded = [fold_name(name) for name in header or ()]
    if not wanted:
        if width == 1:
            return [0]
        listed = ", ".join(name for name in header or () if name) or f"1 to {width}"
        raise CodesInvalid(
            {
                "column": f"the file has several columns ({listed}): state which to sell, such as"
                f" `column={'code' if header else '1'}`, or"
                f" `column={'code,pin' if header else '1,2'}` for what is sold together"
            }
        )
    positions = []
    for name in wanted:
        if (count := folded.count(fold_name(name))) > 1:
            raise CodesInvalid({"column": f"the file has several columns {name}"})
        if count:
            positions.append(folded.index(fold_name(name)))
        elif name.isdecimal() and 1 <= int(name) <= width:
            positions.append(int(name) - 1)
        else:
            raise CodesInvalid({"column": f"the file has no column {name}"})
    if len(set(positions)) < len(positions):
        raise CodesInvalid({"column": "states a column twice"})
    return positions


class _RowInvalid(Exception):
    """Its text is the problem. It does not contain the code."""

    line: int


def _cells(
    rows: Iterable[Row],
    *,
    positions: Sequence[int],
    columns: Sequence[str],
    labels: Sequence[str] | None,
    width: int,
) -> Iterator[ParsedCode | _RowInvalid]:
    """What is sold of each row. labels: put before all but the first cell."""
    for line, cells, _ in rows:
        try:
            if len(cells) > width:
                raise _RowInvalid(f"has {len(cells)} cells, more than line 1")
            parts = []
            for number, (at, column) in enumerate(zip(positions, columns, strict=True)):
                cell = cells[at].strip() if at < len(cells) else ""
                _require_undamaged(cell, column)
                parts.append(f"{labels[number]}: {cell}" if labels and number else cell)
            yield ParsedCode(line, _JOIN.join(parts), parts[0] if len(parts) > 1 else "")
        except _RowInvalid as problem:
            problem.line = line
            yield problem


def _require_undamaged(cell: str, column: str) -> None:
    if not cell:
        raise _RowInvalid(f"column {column} is empty")
    for pattern, what in _DAMAGES:
        if pattern.fullmatch(cell):
            raise _RowInvalid(
                f"column {column} {what} by a spreadsheet: format it as text before it is exported"
            )
    if not cell.isprintable():
        raise _RowInvalid("contains non-printable characters")


def _codes(found: Iterator[ParsedCode | _RowInvalid]) -> Iterator[ParsedCode]:
    problems: dict[str, str] = {}
    count = 0
    try:
        for each in found:
            count += 1
            if count > MAX_CODES:
                raise CodesInvalid({f"line {each.line}": f"more than {MAX_CODES:,} codes"})
            if isinstance(each, _RowInvalid):
                problems[f"line {each.line}"] = str(each)
            elif len(each.code) > MAX_CODE_LENGTH:
                problems[f"line {each.line}"] = f"longer than {MAX_CODE_LENGTH} characters"
            elif not problems:
                yield each
            if len(problems) == _MAX_PROBLEMS:
                break
    except CsvInvalid as error:
        raise _not_csv(error) from error
    if problems:
        raise CodesInvalid(problems)
    if not count:
        raise CodesInvalid({"line 1": "the file contains no codes"})


def _not_csv(error: CsvInvalid) -> CodesInvalid:
    return CodesInvalid({f"line {error.line}": error.problem})
