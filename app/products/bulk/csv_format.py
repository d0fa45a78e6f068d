"""Products as CSV for spreadsheets: format and parse."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

import marshmallow as ma

from app.common import csv_documents, csv_reader
from app.common.csv_reader import CsvInvalid, Row, fold_name
from app.common.examples import EXAMPLE_ID
from app.products.bulk.errors import ImportInvalid, Problems
from app.products.bulk.repository import EXPORTED
from app.products.bulk.schemas import CreateRow, UpdateRow
from app.products.bulk.service import ImportRow

MAX_ROWS: Final = 10_000

COLUMNS: Final = tuple(EXPORTED)
_NAMES: Final = {fold_name(name): name for name in COLUMNS}

IMPORT_EXAMPLE: Final = (
    "name,description,price,availableUnits,kind,purchaseLimit,isActive,category\r\n"
    "Field Guide,Birds of Europe,19.99,50,PLAIN,3,true,books\r\n"
    '"Gift card, 25 USD",,25.00,,CODES,,true,\r\n'
)
EXPORT_EXAMPLE: Final = (
    f"{','.join(COLUMNS)}\r\n"
    f"{EXAMPLE_ID},Field Guide,Birds of Europe,19.99,USD,50,PLAIN,3,true,"
    'books,"{""sku"": ""GUIDE-2""}",2026-11-21T09:30:00.000Z\r\n'
)

#: Columns in which an empty cell means null; in others it is treated as omitted.
_NULLABLE: Final = frozenset(("description", "purchaseLimit", "category", "metadata"))
_FREE_TEXT: Final = frozenset(("name", "description", "metadata"))
#: Characters of an unknown column name that are repeated in the error.
_MAX_NAME: Final = 50
#: Exported only.
_IGNORED: Final = "createdAt"

_CREATE: Final = CreateRow()
_UPDATE: Final = UpdateRow()


class _Cells(dict[str, Any]):
    """Cells of a row by column. Not a plain dict, so that fields parse their values from text."""


@dataclass(slots=True)
class ParsedImport:
    """The valid rows, and the problems of the others."""

    rows: list[ImportRow] = field(default_factory=list)
    problems: Problems = field(default_factory=dict)


def parse(chunks: Iterator[bytes]) -> ParsedImport:
    """Parse and validate the rows of a document.

    chunks: of the document, split anywhere. Raises ImportInvalid if it is invalid as a whole. The
    rest is read nevertheless, so that the client receives the error.
    """
    parsed = ParsedImport()
    try:
        rows = csv_reader.read(chunks)
        columns = _columns(next(rows, None))
        for count, row in enumerate(rows, 1):
            if count > MAX_ROWS:
                raise ImportInvalid({row.line: {"": [f"More than {MAX_ROWS} rows."]}})
            _add(parsed, row, columns)
    except CsvInvalid as error:
        parsed.problems[error.line] = {"": [error.problem]}
        raise ImportInvalid(parsed.problems) from error
    finally:
        for _ in chunks:
            pass
    return parsed


def _columns(header: Row | None) -> Sequence[str]:
    """The columns of the document, however the header spells their names."""
    if header is None:
        raise ImportInvalid({1: {"": ["Must be a header row with the names of the columns."]}})
    names = [_NAMES.get(fold_name(name), name.strip()) for name in header.cells]
    problems: dict[str, list[str]] = {}
    for name in names[: 2 * len(COLUMNS)]:
        if name not in COLUMNS:
            problems[name[:_MAX_NAME]] = ["Unknown field."]
        elif names.count(name) > 1:
            problems[name] = ["Duplicate column."]
    if problems:
        raise ImportInvalid({header.line: problems})
    return names


def _add(parsed: ParsedImport, row: Row, columns: Sequence[str]) -> None:
    # Fewer, too: a file that was cut off must not clear what its last row had.
    if len(row.cells) > len(columns) or row.written < len(columns):
        written = "1 cell" if row.written == 1 else f"{row.written} cells"
        problem = f"The row has {written}, but the header has {len(columns)}."
        parsed.problems[row.line] = {"": [problem]}
        return
    cells = _cells(zip_longest(columns, row.cells, fillvalue=""))
    try:
        values = (_UPDATE if "id" in cells else _CREATE).load(cells)
    except ma.ValidationError as error:
        parsed.problems[row.line] = error.messages_dict
    else:
        parsed.rows.append(ImportRow(row.line, values))


def _cells(cells_by_name: Iterable[tuple[str, str]]) -> Mapping[str, Any]:
    cells = _Cells()
    for name, cell in cells_by_name:
        text = (csv_documents.unescape_formula(cell) if name in _FREE_TEXT else cell).strip()
        if text and name != _IGNORED:
            # Spreadsheets write TRUE.
            cells[name] = text.lower() if name == "isActive" else text
        elif name in _NULLABLE:
            cells[name] = None
    return cells
