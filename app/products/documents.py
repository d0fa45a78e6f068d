"""A merchant's products as a table, for spreadsheets: written, and read again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import marshmallow as ma

from app.common import csv_documents
from app.common.clock import to_wire
from app.common.csv_documents import CsvInvalid, Row
from app.common.money import format_minor
from app.products.errors import Problems, TableInvalid
from app.products.imports import Wish
from app.products.models import ProductKind
from app.products.schemas import ChangedRow, NewRow

MAX_ROWS: Final = 10_000

CSV_HEAD: Final = (
    "id",
    "name",
    "description",
    "price",
    "currency",
    "availableUnits",
    "kind",
    "purchaseLimit",
    "isActive",
    "createdAt",
)

CSV_EXAMPLE: Final = (
    "name,description,price,availableUnits,kind,purchaseLimit,isActive\r\n"
    "Field Guide,Birds of Europe,19.99,50,PLAIN,3,true\r\n"
    '"Gift card, 25 USD",,25.00,,CODES,,true\r\n'
)
CSV_EXPORTED: Final = (
    ",".join(CSV_HEAD) + "\r\n"
    "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11,Field Guide,Birds of Europe,19.99,USD,50,PLAIN,3,true,"
    "2026-11-21T09:30:00.000Z\r\n"
)

#: Whose empty cell says that there is none; any other is as if it were not there.
_NULLABLE: Final = frozenset(("description", "purchaseLimit"))
_FREE_TEXT: Final = frozenset(("name", "description"))
#: Characters of an unknown name that are told back.
_MAX_SHOWN: Final = 50
#: What only tells.
_IGNORED: Final = "createdAt"

_NEW: Final = NewRow()
_CHANGED: Final = ChangedRow()


class _Cells(dict[str, Any]):
    """Cells of a line by column: not a JSON body, so that fields read their values from text."""


@dataclass(slots=True)
class Table:
    """The lines of a table whose shape is right, and what is wrong with the others."""

    wishes: list[Wish] = field(default_factory=list)
    problems: Problems = field(default_factory=dict)


def as_csv(pieces: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """RFC 4180 in UTF-8: a line for each product, in as many parts as there are pieces."""
    start: Sequence[Sequence[Any]] = (CSV_HEAD,)
    for piece in pieces:
        yield csv_documents.write((*start, *(_line(product) for product in piece)))
        start = ()
    if start:
        yield csv_documents.write(start)


def _line(product: Any) -> tuple[Any, ...]:
    return (
        product.id,
        csv_documents.escape_formula(product.name),
        csv_documents.escape_formula(product.description),
        format_minor(product.price, product.currency),
        product.currency,
        None if ProductKind(product.kind).has_uploaded_stock else product.available_units,
        product.kind,
        product.purchase_limit,
        "true" if product.is_active else "false",
        to_wire(product.created_at),
    )


def read(pieces: Iterator[bytes]) -> Table:
    """The lines of a table, of which each that has an id changes a product.

    pieces: of the file, cut anywhere. Raises TableInvalid for what makes no sense as a whole; what
    is left of the file is read all the same, so that who sends it hears of it.
    """
    table = Table()
    try:
        rows = csv_documents.read(pieces)
        columns = _columns(next(rows, None))
        for count, row in enumerate(rows, 1):
            if count > MAX_ROWS:
                raise TableInvalid({row.line: {"": [f"More than {MAX_ROWS} rows."]}})
            _take(table, row, columns)
    except CsvInvalid as problem:
        table.problems[problem.line] = {"": [problem.problem]}
        raise TableInvalid(table.problems) from problem
    finally:
        for _ in pieces:
            pass
    return table


def _columns(header: Row | None) -> Sequence[str]:
    if header is None:
        raise TableInvalid({1: {"": ["Must be a header, the names of the columns."]}})
    names = [name.strip() for name in header.cells]
    problems: dict[str, list[str]] = {}
    for name in names[: 2 * len(CSV_HEAD)]:
        if name not in CSV_HEAD:
            problems[name[:_MAX_SHOWN]] = ["Unknown field."]
        elif names.count(name) > 1:
            problems[name] = ["More than one such column."]
    if problems:
        raise TableInvalid({header.line: problems})
    return names


def _take(table: Table, row: Row, columns: Sequence[str]) -> None:
    if len(row.cells) != len(columns):
        problem = f"{len(row.cells)} cells, but the header has {len(columns)}."
        table.problems[row.line] = {"": [problem]}
        return
    cells = _cells(zip(columns, row.cells, strict=True))
    try:
        values = (_CHANGED if "id" in cells else _NEW).load(cells)
    except ma.ValidationError as error:
        table.problems[row.line] = error.messages_dict
    else:
        table.wishes.append(Wish(row.line, values))


def _cells(named: Iterable[tuple[str, str]]) -> Mapping[str, Any]:
    cells = _Cells()
    for name, cell in named:
        text = (csv_documents.unescape_formula(cell) if name in _FREE_TEXT else cell).strip()
        if text and name != _IGNORED:
            # Spreadsheets write TRUE.
            cells[name] = text.lower() if name == "isActive" else text
        elif name in _NULLABLE:
            cells[name] = None
    return cells
