"""Statements with any number of rows, which are sent as one JSON document.

Splitting rows into arrays in Python costs ten times as much (docs/performance.md). A statement
declares its columns once: in the recordset of its text, or through the model that it inserts. A row
without one of these columns is rejected, because PostgreSQL would silently insert NULL.
"""

import base64
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from functools import cache, cached_property
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import orjson
import psycopg
from sqlalchemy import Column, LargeBinary
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Session

from app.common.driver import Message, send, send_later, uuid_array

Model = TypeVar("Model", bound=DeclarativeBase)

#: The recordset of a statement, with its columns.
_RECORDSET: Final = re.compile(
    r"json_to_recordset\(CAST\(%\(rows\)s AS json\)\)\s+AS\s+\w+\s*\(([^)]*)\)"
)
_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


class RowShapeInvalid(TypeError):
    """A bug in the caller: a row lacks a column of its statement, or has an unknown one."""


def send_rows(
    session: Session, statement: str, rows: Iterable[object], **values: Any
) -> psycopg.Cursor[Any]:
    """Send a statement with `json_to_recordset(CAST(%(rows)s AS json)) AS name (column type, …)`.

    rows: mappings or dataclasses with at least these columns; values: the other placeholders.
    Raises RowShapeInvalid, and psycopg.Error as `driver.send` does.
    """
    return send(session, statement, {"rows": _shape_of(statement).document(rows), **values})


def row_class(model: type[Model]) -> type[Model]:
    """A class for new rows of `model`, with its columns and properties, to be passed to BulkInsert.

    To type checkers it is the model itself. At run time it is a dataclass with slots, unknown to
    SQLAlchemy: it is constructed ten times as fast and cannot be passed to `session.add`. Its
    constructor raises TypeError unless every column is given.
    """
    properties = {
        name: value
        for each in reversed(model.__mro__)
        for name, value in vars(each).items()
        if isinstance(value, property)
    }
    columns = model.__mapper__.columns.keys()
    row_type = make_dataclass(f"{model.__name__}Row", columns, namespace=properties, slots=True)
    return cast("type[Model]", row_type)


class BulkInsert:
    """An INSERT of any number of rows, with the columns and types of their model.

    omit: attributes that the database fills in; computed: attribute → SQL expression, which may
    use the row's value, `new.name`, or takes its place; tail: what follows the recordset `new`,
    such as a JOIN or ON CONFLICT.
    Each row must have exactly the other attributes. The text never changes, so it is planned once.
    """

    def __init__(
        self,
        model: type[DeclarativeBase],
        *,
        omit: Collection[str] = (),
        computed: Mapping[str, str] | None = None,
        tail: str = "",
    ) -> None:
        self._model = model
        self._computed = computed or {}
        self._tail = tail
        columns = model.__mapper__.columns.keys()
        if unknown := ({*omit} | self._computed.keys()) - {*columns}:
            raise RowShapeInvalid(f"{model.__name__} has no {', '.join(sorted(unknown))}")
        self._names = [name for name in columns if name not in omit]
        self._given = [
            name for name in self._names if f"new.{name}" in self._computed.get(name, f"new.{name}")
        ]
        self._shape = _RowShape(self._given, exactly=True)

    # Built when it is first used: by then all models are imported, which tells the types of foreign
    # keys.
    @cached_property
    def statement(self) -> str:
        columns = {name: self._model.__mapper__.columns[name] for name in self._names}
        quote = _DIALECT.identifier_preparer.quote
        names = ", ".join(quote(column.name) for column in columns.values())
        values = ", ".join(
            self._computed.get(name) or _value(column, name) for name, column in columns.items()
        )
        recordset = ", ".join(
            f"{quote(name)} {_type(column)}"
            for name, column in columns.items()
            if name in self._given
        )
        return (
            f"INSERT INTO {self._model.__tablename__} ({names}) SELECT {values}"  # noqa: S608 – ours
            f" FROM json_to_recordset(CAST(%(rows)s AS json)) AS new ({recordset}) {self._tail}"
        )

    def execute(
        self, session: Session, rows: Iterable[object], **values: Any
    ) -> psycopg.Cursor[Any]:
        """Insert `rows`. values: the placeholders of `computed` and `tail`.

        Raises RowShapeInvalid, and psycopg.Error as `driver.send` does.
        """
        return send(session, self.statement, {"rows": self.document(rows), **values})

    def document(self, rows: Iterable[object]) -> str:
        """The rows as the JSON that the statement takes. Raises RowShapeInvalid."""
        return self._shape.document(rows)


@dataclass(frozen=True, slots=True)
class Write:
    """Rows for a BulkInsert, or for a statement as `send_rows` takes it, without results.

    values: the other placeholders.
    """

    statement: BulkInsert | str
    rows: Iterable[object]
    values: Mapping[str, Any] = field(default_factory=dict)

    def message(self) -> Message:
        """The statement and all its values. Raises RowShapeInvalid."""
        if isinstance(self.statement, str):
            text, document = self.statement, _shape_of(self.statement).document(self.rows)
        else:
            text, document = self.statement.statement, self.statement.document(self.rows)
        return text, {"rows": document, **self.values}


def write(session: Session, *writes: Write) -> None:
    """Execute `writes` as one statement, in a pipeline together with others: `driver.send_later`.

    Raises RowShapeInvalid, and psycopg.Error as `driver.send` does.
    """
    send_later(session, [each.message() for each in writes])


def columns_of(model: type[DeclarativeBase]) -> str:
    """The columns of a model for a SELECT, named like its attributes."""
    quote = _DIALECT.identifier_preparer.quote
    return ", ".join(
        f"{quote(column.name)} AS {quote(name)}"
        for name, column in model.__mapper__.columns.items()
    )


def lock_rows(session: Session, model: type[DeclarativeBase], ids: Iterable[UUID]) -> Iterable[Any]:
    """The rows with these ids, locked in id order, with the attributes of `model`.

    The statement is sent immediately; in a pipeline, iterating waits for the rows (`driver.send`).
    """
    return send(session, _lock_statement(model), {"ids": uuid_array(ids)})


@cache
def _lock_statement(model: type[DeclarativeBase]) -> str:
    return (
        f"SELECT {columns_of(model)} FROM {model.__tablename__}"  # noqa: S608 – names of ours
        " WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"
    )


def _value(column: Column[Any], name: str) -> str:
    value = f"new.{_DIALECT.identifier_preparer.quote(name)}"
    return f"decode({value}, 'base64')" if isinstance(column.type, LargeBinary) else value


def _type(column: Column[Any]) -> str:
    """PostgreSQL's type of a column in the JSON document, where bytes are text."""
    if isinstance(column.type, LargeBinary):
        return "text"
    return column.type.compile(dialect=_DIALECT)


class _RowShape:
    """The names that each row must have: exactly these, or at least these.

    Each class and each list of keys is checked only once.
    """

    def __init__(self, names: Iterable[str], *, exactly: bool) -> None:
        self._names = frozenset(names)
        self._exactly = exactly
        self._checked: set[tuple[str, ...] | type] = set()

    def document(self, rows: Iterable[object]) -> str:
        """The rows as JSON. Raises RowShapeInvalid."""
        records = [self._record(row) for row in rows]
        return orjson.dumps(records, default=_base64).decode()

    def _record(self, row: Any) -> Any:
        shape = tuple(row) if isinstance(row, dict) else type(row)
        if shape not in self._checked:
            self._require(row if isinstance(row, dict) else [each.name for each in fields(row)])
            self._checked.add(shape)
        return row

    def _require(self, names: Iterable[str]) -> None:
        missing = self._names - {*names}
        unknown = {*names} - self._names if self._exactly else ()
        if missing or unknown:
            raise RowShapeInvalid(f"missing: {sorted(missing)}, unknown: {sorted(unknown)}")


@cache
def _shape_of(statement: str) -> _RowShape:
    found = _RECORDSET.search(statement)
    if found is None:
        raise RowShapeInvalid("the statement has no recordset of rows")
    return _RowShape((column.split()[0] for column in found[1].split(",")), exactly=False)


def _base64(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is not JSON")
