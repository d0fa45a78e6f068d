"""Lists as CSV documents (RFC 4180) whose rows PostgreSQL writes, a batch at a time.

Reading rows and formatting them in Python takes five times as long. The cells are the same as those
of `format_minor`, `format_timestamp` and `csv_documents.escape_formula`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Numeric,
    Select,
    String,
    Uuid,
    case,
    cast,
    desc,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from app.common import csv_documents
from app.common.money import EXPONENTS
from app.common.time_zone import UTC_ZONE

_USUAL_EXPONENT: Final = 2
#: Other names of zones whose names PostgreSQL takes for abbreviations of winter time.
_FULL_NAMES: Final = {
    "CET": "Europe/Brussels",
    "EET": "Europe/Athens",
    "MET": "Europe/Brussels",
    "WET": "Europe/Lisbon",
}


def _literal(text: str) -> Any:
    return literal_column("'" + text.replace("'", "''") + "'", String)


def _unit(exponent: int) -> Any:
    """A numeric with this many decimals, which a product with a whole number has, too."""
    return literal_column(f"{10**-exponent:.{exponent}f}", Numeric)


@dataclass(frozen=True, slots=True)
class CsvBatch:
    """Rows of a document. last: the key of the last one."""

    document: str | None
    rows: int
    last: Any


def text_cell(column: Any) -> Any:
    """Text that a spreadsheet does not interpret as a formula."""
    apostrophe, quote, nothing = _literal("'"), _literal('"'), _literal("")
    unquoted = func.ltrim(column, apostrophe)
    starts = _literal(csv_documents.FORMULA_STARTS)
    is_risky = (unquoted != nothing) & (func.strpos(starts, func.left(unquoted, 1)) > 0)
    prefix = case((is_risky, apostrophe), else_=nothing)
    # Few texts have any of these, and the regular expression takes much longer.
    has_cells_within = or_(*(func.strpos(column, _literal(one)) > 0 for one in ";\t\r\n"))
    escaped = func.regexp_replace(
        column, _literal(csv_documents.CELL_WITHIN), _literal(r"\1'"), _literal("g")
    )
    column = case((has_cells_within, escaped), else_=column)
    content = func.replace(column, quote, _literal('""'))
    # Twice as fast as a regular expression.
    has_special = or_(*(func.strpos(column, _literal(special)) > 0 for special in '",\r\n'))
    return case(
        (has_special, func.concat(quote, prefix, content, quote)),
        else_=func.concat(prefix, column),
    )


def money_cell(minor: Any, currency: Any) -> Any:
    """A decimal number with all the decimals of the currency. minor: in its minor units."""
    units = {
        code: _unit(exponent) for code, exponent in EXPONENTS.items() if exponent != _USUAL_EXPONENT
    }
    return minor * case(units, value=currency, else_=_unit(_USUAL_EXPONENT))


def time_cell(column: Any, zone: ZoneInfo = UTC_ZONE) -> Any:
    """RFC 3339 with milliseconds, and the offset of the zone; `Z` in UTC, the zone of sessions."""
    form = 'YYYY-MM-DD"T"HH24:MI:SS.MS'
    if zone == UTC_ZONE:
        return func.to_char(column, _literal(f'{form}"Z"'))
    utc = func.timezone(_literal("UTC"), column)
    local = func.timezone(_literal(_FULL_NAMES.get(zone.key, zone.key)), column)
    is_behind = local < utc
    offset = case((is_behind, utc - local), else_=local - utc)
    sign = case((is_behind, _literal("-")), else_=_literal("+"))
    time = func.to_char(local, _literal(form), type_=String)
    return time + sign + func.to_char(offset, _literal("HH24:MI"), type_=String)


def constant_cell(text: str) -> Any:
    """The same text in every row. text: written by us, with nothing that CSV must quote."""
    return _literal(text)


def boolean_cell(column: Any) -> Any:
    """`true` or `false`."""
    return cast(column, String)


def line_of(cells: Mapping[str, Any]) -> Any:
    """The SQL of a row of the document. cells: the SQL of each column."""
    parts = [part for cell in cells.values() for part in (cell, _literal(","))][:-1]
    return func.concat(*parts, _literal("\r\n"))


def batch_of(rows: Select[Any], cells: Mapping[str, Any], key: Any, *, limit: int) -> Select[Any]:
    """A query for a CsvBatch.

    rows: FROM, WHERE and ORDER BY, newest first; cells: the SQL of each column; key: the column
    that orders the rows, an id or a whole number.
    """
    line = line_of(cells).label("line")
    found = rows.with_only_columns(line, key.label("key")).limit(limit).subquery()
    last: Any = func.min(found.c.key)
    if isinstance(found.c.key.type, Uuid):  # PostgreSQL 18 has no minimum of UUIDs
        last = cast(func.min(cast(found.c.key, String)), Uuid)
    return select(
        func.string_agg(found.c.line, aggregate_order_by(_literal(""), desc(found.c.key))),
        func.count(),
        last,
    )


def export(
    header: Iterable[str],
    read: Callable[..., CsvBatch],
    *,
    size: int,
    reading: Callable[[], AbstractContextManager[Session]],
) -> Iterator[bytes]:
    """The document, one part per batch. Each row is as it is when it is read.

    read: called with a session, `limit` and `below`, the key of the last row before the batch, None
    at first; size: rows per batch, which are in memory together.
    reading: opens a session for one short read, so that a slow client holds no connection.
    """
    start, below = csv_documents.write([tuple(header)]), None
    while True:
        with reading() as session:
            batch = read(session, limit=size, below=below)
        if part := start + (batch.document or "").encode():
            yield part
        if batch.rows < size:
            return
        start, below = b"", batch.last
