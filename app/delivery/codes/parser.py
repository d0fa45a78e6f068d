"""Parses files of codes, one row in memory at a time. Nothing about a file is guessed."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from app.common.csv_reader import SEPARATORS, CsvInvalid, Row, fold_name, read, text_lines
from app.common.text import visible_text
from app.delivery.codes.errors import CodesInvalid

MAX_CODES: Final = 100_000
MAX_CODE_LENGTH: Final = 500

#: Lines listed in an error, because every line of a wrong file is invalid.
_MAX_PROBLEMS: Final = 20
#: The name of the column with the codes, which needs no question.
_CODE: Final = "code"
#: What else merchants call it, in the spelling of `fold_name`: a first line with one of these names
#: of columns may be a header.
_NAMES: Final = frozenset(
    f"{of}{name}{plural}"
    for of in ("", "gift", "giftcard", "voucher", "coupon", "license", "licence", "activation",
               "product", "serial", "promo", "redeem", "redemption", "steam", "cd", "card")
    for name in ("code", "key", "number", "no", "pin", "voucher", "serial", "card", "license",
                 "licence", "coupon", "token", "giftcard")
    for plural in ("", "s")
)  # fmt: skip
#: Words as only headers have them: `Gutschein`, `Clave de activación`.
_TITLE: Final = re.compile(r"[^\W\d_][^\W\d_A-Z]{2,}([ _-][^\W\d_]+)*")
_STATED_SEPARATOR: Final = re.compile(r'"?sep=.*', re.I)
#: Between what is sold together.
_JOIN: Final = " | "

_MONTH: Final = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
#: What a spreadsheet makes of a long number, a formula, text that should stay text, and a date.
_DAMAGES: Final = (
    (
        # One digit comes before the point, and E is followed by a sign or by few digits.
        re.compile(
            r"[+-]?([0-9]+([.,][0-9]+)?E\+[0-9]+|[0-9][.,][0-9]+E-?[0-9]{1,3}"
            r"|[0-9]E-[0-9]{2,3}|[0-9]{5,}[.,]0+)",
            re.I,
        ),
        "is a number that was changed",
    ),
    (re.compile(r"=.+"), "is a formula that was written"),
    (
        re.compile(
            r"#[^\W\d_¿][\w/.]*[!?]|#¿[\w ]+\?|#N/[ADV]|#NV|#GETTING_DATA|Err:[0-9]{3}|#{3,}", re.I
        ),
        "is an error value that was written",
    ),
    (re.compile(r"'[^']+"), "has the apostrophe of a text that was written"),
    (
        re.compile(
            rf"[0-9]{{1,2}}-{_MONTH}(-[0-9]{{2,4}})?|{_MONTH}-[0-9]{{2,4}}"
            r"|[0-9]{4}-[0-9]{2}-[0-9]{2} 00:00:00"
        ),
        "is a date that was made",
    ),
)


_QUESTION: Final = (
    "state whether line 1 has the names of the columns: `header=true`, or `header=false` if it has"
    " a code"
)
_QUESTION_OF_TEXT: Final = (
    "line 1 looks like the name of a column: state `header=true` if it is, or `header=false` if it"
    " is a code; send a table as text/csv"
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
    None if nothing is said. allow_damaged: whether values are codes that look as if a spreadsheet
    had damaged them.
    """

    columns: Sequence[str] = ()
    header: bool | None = None
    allow_damaged: bool = False


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

    If the first line looks like another header, `layout` must say whether it is one.
    chunks: of the file, split anywhere. Raises CodesInvalid.
    """
    return _parse(_lines(chunks), layout, is_text=True)


def parse_csv(chunks: Iterable[bytes], layout: Layout) -> CodeFile:
    """A CSV file (see `csv_reader.read`) with the codes in the column `code`.

    If there is no such column, or if there are others, `layout` must say what to sell.
    As `parse_text`.
    """
    return _parse(read(chunks), layout, is_text=False)


def _lines(chunks: Iterable[bytes]) -> Iterator[Row]:
    for number, line in enumerate(text_lines(chunks), 1):
        if line.strip():
            yield Row(number, [line], 1)


def _parse(rows: Iterator[Row], layout: Layout, *, is_text: bool) -> CodeFile:
    try:
        first = next(rows, None)
        second = next(rows, None) if is_text else None
    except CsvInvalid as error:
        raise _not_csv(error) from error
    if first is None:
        raise CodesInvalid({"line 1": "the file contains no codes"})
    if second is not None:
        rows = chain((second,), rows)
    names = [_typed(cell) for cell in first.cells]
    has_header = layout.header
    if has_header is None:
        if _CODE in map(fold_name, names) or not all(map(str.isdecimal, layout.columns)):
            has_header = True
        elif not is_text or _may_be_header(names[0], _typed(second.cells[0]) if second else ""):
            raise CodesInvalid({"header": _QUESTION_OF_TEXT if is_text else _QUESTION})
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
        allow_damaged=layout.allow_damaged,
    )
    return CodeFile(header, columns, _codes(found))


def _may_be_header(line: str, following: str) -> bool:
    """Whether the first line of a text may be no code. following: the second line."""
    if _STATED_SEPARATOR.fullmatch(line):
        return True
    if any(fold_name(name) in _NAMES for name in re.split(f"[{SEPARATORS}|]", line)):
        return True
    return _is_title(line) and bool(following) and not _is_title(following)


def _is_title(line: str) -> bool:
    return _TITLE.fullmatch(line) is not None and (line[0].isupper() or " " in line)


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
    allow_damaged: bool,
) -> Iterator[ParsedCode | _RowInvalid]:
    """What is sold of each row. labels: put before all but the first cell."""
    for line, cells, _ in rows:
        try:
            if len(cells) > width:
                raise _RowInvalid(f"has {len(cells)} cells, more than line 1")
            parts = []
            for number, (at, column) in enumerate(zip(positions, columns, strict=True)):
                cell = _typed(cells[at]) if at < len(cells) else ""
                _require_sellable(cell, column)
                if not allow_damaged:
                    _require_undamaged(cell, column)
                parts.append(f"{labels[number]}: {cell}" if labels and number else cell)
            yield ParsedCode(line, _JOIN.join(parts), parts[0] if len(parts) > 1 else "")
        except _RowInvalid as problem:
            problem.line = line
            yield problem


def _typed(cell: str) -> str:
    """A cell without what nobody can see and no buyer could type: pasted text often has it."""
    if cell.isascii():
        return cell.strip()
    return "".join(
        " " if each.isspace() and each not in "\n\t" else each for each in visible_text(cell)
    )


def _require_sellable(cell: str, column: str) -> None:
    if not cell:
        raise _RowInvalid(f"column {column} is empty")
    if not cell.isprintable():
        (wrong, *_) = (each for each in cell if not each.isprintable())
        what = "a line end" if wrong == "\n" else f"the character U+{ord(wrong):04X}"
        raise _RowInvalid(f"column {column} contains {what}, which nobody can see or type")


def _require_undamaged(cell: str, column: str) -> None:
    for pattern, what in _DAMAGES:
        if pattern.fullmatch(cell):
            raise _RowInvalid(
                f"column {column} {what} by a spreadsheet: format it as text before it is"
                " exported, or state `allowDamaged=true` if it is a code"
            )


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
