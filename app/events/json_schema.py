"""JSON Schemas (draft 2020-12) of the data of messages, generated from the catalogue.

Further properties are allowed, because a new field needs no new version.
"""

from collections.abc import Mapping
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin
from uuid import UUID

from app.events.base import Event, Omitted, camel_case, data_fields
from app.events.messages import INBOUND_TYPES

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MEDIA_TYPE: Final = "application/schema+json"

_SCHEMAS: Final[Mapping[Any, dict[str, str]]] = {
    UUID: {"type": "string", "format": "uuid"},
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    dict: {"type": "object"},
    NoneType: {"type": "null"},
}


def schema_of(kind: type[Event]) -> dict[str, Any]:
    """The schema of the data of a type, without its dialect and address."""
    fields = data_fields(kind)
    schema = {
        "title": kind.event_type,
        "description": description_of(kind),
        "type": "object",
        "required": [camel_case(name) for name, of in fields.items() if Omitted not in _parts(of)],
        "properties": {camel_case(name): _field(of) for name, of in fields.items()},
    }
    return _with_user(schema) if kind.event_type in INBOUND_TYPES else schema


def description_of(kind: type[Event]) -> str:
    """When a message of the type is sent, as one line."""
    return " ".join((kind.__doc__ or "").split())


def _with_user(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of what others send to us: they name the user, who is the event's aggregate."""
    user = {"type": "string", "format": "uuid", "description": "who is to be notified"}
    return schema | {
        "required": ["userId", *schema["required"]],
        "properties": {"userId": user, **schema["properties"]},
    }


def document_of(kind: type[Event], address: str) -> dict[str, Any]:
    """The schema as a document of its own. address: where it is served, with its version."""
    return {"$schema": DIALECT, "$id": address, **schema_of(kind)}


def _field(annotation: Any) -> dict[str, Any]:
    notes: tuple[str, ...] = ()
    if get_origin(annotation) is Annotated:
        annotation, *rest = get_args(annotation)
        notes = tuple(rest)
    schema = _either([_value(part) for part in _parts(annotation) if part is not Omitted])
    return schema | ({"description": ", ".join(notes)} if notes else {})


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the one type."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return get_args(annotation)
    return (annotation,)


def _value(annotation: Any) -> dict[str, Any]:
    if get_origin(annotation) is tuple:
        return {"type": "array", "items": _value(get_args(annotation)[0])}
    return dict(_SCHEMAS[get_origin(annotation) or annotation])


def _either(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """One schema for values of any of these. What is not null has one type."""
    first, *others = schemas
    if not others:
        return first
    types = [schema.pop("type") for schema in schemas]
    return {"type": types} | first | {k: v for each in others for k, v in each.items()}
