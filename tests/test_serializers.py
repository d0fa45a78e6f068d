"""Responses built by functions instead of schemas conform to their schemas."""

import ast
import inspect
import itertools
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

import marshmallow as ma
import orjson
import pytest
from sqlalchemy.orm import DeclarativeBase

import app.factory  # noqa: F401 – imports every serializer
from app.common.fields import SERIALIZERS, MoneyOut, Timestamp
from app.common.json_format import dump_json
from app.products.schemas import product_out
from app.wallets.ledger import Account
from app.wallets.models import WalletTransaction
from app.wallets.schemas import past_wallet_out
from tests.test_architecture import SOURCES, name_of, tree_of

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
_MONEY = re.compile(r"-?\d+\.\d{2}")


#: Columns that are never NULL for wallets of users, but may be for platform accounts.
NEVER_EMPTY = {
    Account: {"created_at", "updated_at", "number"},
    WalletTransaction: {"sequence", "balance_before", "balance_after"},
}

#: Fields that the balance of a past date, and a product for the public, omit.
WITHHELD = {past_wallet_out: {"available", "held"}, product_out: {"metadata"}}


class Samples:
    """Unique values of any type. empty: use None wherever it is allowed."""

    def __init__(self, *, empty: bool) -> None:
        self._empty = empty
        self._numbers = itertools.count(1_000)

    def of(self, kind: Any, name: str = "", *, owner: Any = None) -> Any:
        origin, parts = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, types.UnionType):
            empty = self._empty and name not in NEVER_EMPTY.get(owner, ())
            (first, *_) = (part for part in parts if part is not type(None))
            return None if empty and type(None) in parts else self.of(first, name)
        if origin is tuple:
            return tuple(self.of(part) for part in parts if part is not ...)
        if origin is not None and issubclass(origin, Mapping):
            return _Counts()
        if origin is not None and issubclass(origin, Sequence):
            return [self.of(parts[0]), self.of(parts[0])]
        return self._plain(kind, name)

    def _plain(self, kind: Any, name: str) -> Any:
        number = next(self._numbers)
        if kind in (str, Any):
            known = {"currency": "USD", "email": f"{number}@example.com"}
            return known.get(name, f"{name}-{number}")
        if kind in _MAKERS:
            return _MAKERS[kind](number)
        if issubclass(kind, Enum):
            return next(iter(kind))
        hints = typing.get_type_hints(kind)
        if issubclass(kind, DeclarativeBase):
            hints = {
                key: typing.get_args(hints[key])[0] for key, _ in kind.__mapper__.columns.items()
            }
        else:
            assert is_dataclass(kind), kind
            hints = {field.name: hints[field.name] for field in fields(kind)}
        return kind(**{key: self.of(hint, key, owner=kind) for key, hint in hints.items()})


_MAKERS: dict[type, Callable[[int], Any]] = {
    int: lambda number: number,
    float: float,
    bool: lambda number: True,
    bytes: lambda number: str(number).encode(),
    UUID: lambda number: uuid4(),
    Decimal: Decimal,
    datetime: lambda number: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
    date: lambda number: date(2026, 1, 1) + timedelta(days=number),
    timedelta: lambda number: timedelta(seconds=number),
}


class _Counts(dict[Any, int]):
    def __missing__(self, key: Any) -> int:
        return 7


def arguments(function: Callable[..., Any], samples: Samples) -> inspect.BoundArguments:
    hints = typing.get_type_hints(function)
    signature = inspect.signature(function)
    given = {name: samples.of(hints[name], name) for name in signature.parameters}
    bound = signature.bind_partial()
    bound.arguments.update(given)
    return bound


def require_described(built: Any, schema: ma.Schema, where: str) -> None:
    """Check that the names are those of the schema, with values of its types."""
    assert isinstance(built, dict), where
    promised = {field.data_key or name: field for name, field in schema.fields.items()}
    assert built.keys() - promised.keys() == set(), where
    assert {name for name, field in promised.items() if field.required} - built.keys() == set()
    for name, value in built.items():
        require_value(value, promised[name], f"{where}.{name}")


def require_value(value: Any, field: ma.fields.Field[Any], where: str) -> None:
    if value is None:
        assert field.allow_none, where
    elif isinstance(field, ma.fields.Nested):
        for one in value if field.many else [value]:
            require_described(one, field.schema, where)
    elif isinstance(field, ma.fields.List):
        for one in value:
            require_value(one, field.inner, where)
    elif isinstance(field, ma.fields.Constant):
        assert value == field.constant, where
    else:
        assert _FORMS[_form_of(field)](value), f"{where}: {value!r}"


def _form_of(field: ma.fields.Field[Any]) -> type:
    return next(kind for kind in _FORMS if isinstance(field, kind))


_FORMS: dict[type, Callable[[Any], bool]] = {
    MoneyOut: lambda value: isinstance(value, str) and _MONEY.fullmatch(value) is not None,
    Timestamp: lambda value: isinstance(value, str) and _MOMENT.fullmatch(value) is not None,
    ma.fields.UUID: lambda value: str(UUID(value)) == value,
    ma.fields.Date: lambda value: date.fromisoformat(value).isoformat() == value,
    ma.fields.Integer: lambda value: type(value) is int,
    ma.fields.Float: lambda value: type(value) in (int, float),
    ma.fields.Boolean: lambda value: type(value) is bool,
    ma.fields.String: lambda value: type(value) is str,
    ma.fields.Dict: lambda value: type(value) is dict,
}


def promised_values(schema: ma.Schema, argument: Any) -> Iterator[tuple[str, Any]]:
    """The fields that the schema serializes from an argument, or from its parts."""
    sources = [argument, *vars_of(argument)]
    for name, field in schema.fields.items():
        if isinstance(field, ma.fields.Nested | ma.fields.List):
            continue
        for source in sources:
            raw = schema.get_attribute(source, field.attribute or name, ma.missing)
            if raw is not ma.missing and _is_plain(field, raw, source):
                yield field.data_key or name, field.serialize(name, source)
                break


def vars_of(argument: Any) -> list[Any]:
    if not is_dataclass(argument):
        return []
    parts = [getattr(argument, field.name) for field in fields(argument)]
    return [part for part in parts if not isinstance(part, Mapping)]


def _is_plain(field: ma.fields.Field[Any], raw: Any, source: Any) -> bool:
    """Whether a field serializes the attribute itself; other fields are computed."""
    if isinstance(field, MoneyOut):
        return hasattr(source, "currency")
    return not isinstance(field, ma.fields.String) or isinstance(raw, str | None)


@pytest.mark.parametrize("empty", [False, True], ids=["filled", "empty"])
@pytest.mark.parametrize("function", SERIALIZERS, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_a_serializer_conforms_to_its_schema(function: Callable[..., Any], empty: bool) -> None:
    schema = SERIALIZERS[function]()
    bound = arguments(function, Samples(empty=empty))

    built = orjson.loads(dump_json(function(*bound.args, **bound.kwargs)))

    require_described(built, schema, type(schema).__name__)
    expected = dict(promised_values(schema, bound.args[0]))
    for name in expected.keys() & built.keys() - WITHHELD.get(function, set()):
        assert built[name] == expected[name], name


def test_every_serializer_is_registered_with_its_schema() -> None:
    functions = {
        f"app.{name_of(path)[:-3].replace('/', '.')}.{node.name}"
        for path in SOURCES
        if path.name == "schemas.py"
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef)
        and node.returns is not None
        and ast.unparse(node.returns) == "dict[str, Any]"
    }
    registered = {f"{function.__module__}.{function.__name__}" for function in SERIALIZERS}
    assert len(functions) > 20
    assert functions - registered == set()
