"""The tables of event types in docs/events.md, generated from the catalogue."""

from collections.abc import Iterator
from datetime import datetime
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin
from uuid import UUID

from app.common.generated import replace_generated
from app.common.settings import PROJECT_ROOT
from app.events import catalogue
from app.events.base import EVENT_TYPES, Event, Omitted, camel_case, data_fields

PAGE: Final = PROJECT_ROOT / "docs" / "events.md"

_JSON_TYPES: Final = {
    UUID: "UUID",
    str: "string",
    int: "integer",
    bool: "boolean",
    datetime: "RFC 3339 timestamp",
    tuple: "array",
    dict: "object",
}


def as_markdown() -> str:
    """The event types as one table per subject."""
    sections = []
    for name in catalogue.__all__:
        module = getattr(catalogue, name)
        rows = [_row(kind) for kind in EVENT_TYPES.values() if kind.__module__ == module.__name__]
        sections += [f"\n## {module.__doc__.strip().rstrip('.')}\n", *_HEAD, *rows]
    return "\n".join(sections) + "\n\n"


def updated(page: str) -> str:
    """The text of the page with its generated part up to date."""
    return replace_generated(page, "events", as_markdown())


_HEAD: Final = ("| type | aggregate | version | recorded when | data |", "|---|---|---|---|---|")


def _row(kind: type[Event]) -> str:
    when = " ".join((kind.__doc__ or "").split())
    data = "<br>".join(_field(*field) for field in data_fields(kind).items())
    cells = (f"`{kind.event_type}`", f"`{kind.aggregate_type}`", kind.schema_version, when, data)
    return f"| {' | '.join(map(str, cells))} |"


def _field(name: str, annotation: Any) -> str:
    """Such as `amount` integer: minor units, negative for a debit."""
    notes: tuple[str, ...] = ()
    if get_origin(annotation) is Annotated:
        annotation, *rest = get_args(annotation)
        notes = tuple(rest)
    text = f"`{camel_case(name)}` {' or '.join(_types(annotation))}"
    return f"{text}: {', '.join(notes)}" if notes else text


def _types(annotation: Any) -> Iterator[str]:
    """The JSON types of a field: `integer`, `null`."""
    parts = get_args(annotation) or (annotation,)
    if get_origin(annotation) in (tuple, dict):
        parts = (get_origin(annotation),)
    for part in parts:
        if part is not Omitted:
            yield "null" if part is NoneType else _JSON_TYPES[part]
