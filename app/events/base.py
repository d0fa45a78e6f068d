"""Declares event types, and serializes events for the outbox."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Self,
    TypeVar,
    dataclass_transform,
    get_args,
    get_type_hints,
)
from uuid import UUID

from app.common import clock


class Omitted(Enum):
    """The type of `OMITTED`, the value of a field that is left out of the JSON."""

    OMITTED = "omitted"


OMITTED: Final = Omitted.OMITTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base class of all event types: something that happened to one aggregate.

    aggregate_id: the id of the aggregate; aggregate_version: the event's position among those of
    the aggregate, from 1, where the row of the aggregate tells it; None if it has to be counted.
    The fields of a subclass are the event's data.
    """

    event_type: ClassVar[str]
    aggregate_type: ClassVar[str]
    schema_version: ClassVar[int]

    aggregate_id: UUID
    aggregate_version: int | None = None

    @classmethod
    def of(cls, source: Any, **values: Any) -> Self:
        """An event whose fields are copied from columns of the same name of the row `source`.

        values: fields that `source` does not have or that differ from its column. Fields with a
        default are set by `values` only. Raises AttributeError for a field that neither has.
        """
        for name, column in _columns[cls].items():
            if name not in values:
                values[name] = getattr(source, column)
        return cls(**values)


#: Annotations that many fields share.
MinorUnits = Annotated[int, "minor units"]
FlagReason = Annotated[str, "why it needs attention"]
OrderNumber = Annotated[str, "number of the order, for people"]
RiskScore = Annotated[str | Omitted | None, "decimal from 0 to 1; null or absent if not screened"]
LatencyMs = Annotated[
    int | Omitted | None, "milliseconds from the arrival of the request to the decision, if known"
]

E = TypeVar("E", bound=Event)

#: Every declared event type by its name.
EVENT_TYPES: Final[dict[str, type[Event]]] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(name: str, *, aggregate: str, version: int = 1) -> Callable[[type[E]], type[E]]:
    """Declare a class as an event type: a frozen dataclass that `record` accepts.

    name: stable and unique, such as `order-completed`; aggregate: the type of the aggregate;
    version: of the fields, to be raised when a field is removed or changes its meaning.
    The docstring says when the event is recorded; `Annotated` describes fields.
    """

    def declare(cls: type[E]) -> type[E]:
        declared = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        declared.event_type = name
        declared.aggregate_type = aggregate
        declared.schema_version = version
        if EVENT_TYPES.setdefault(name, declared) is not declared:
            raise ValueError(f"{name} is declared twice")
        _columns[declared] = {
            field.name: "id" if field.name == "aggregate_id" else field.name
            for field in fields(declared)
            if field.default is MISSING
        }
        _serializers[declared] = _serializer(declared)
        return declared

    return declare


def data_fields(cls: type[Event]) -> dict[str, Any]:
    """The fields of an event's data, in order: name → annotation, with its `Annotated` parts."""
    hints = get_type_hints(cls, include_extras=True)
    own = {field.name for field in fields(Event)}
    return {field.name: hints[field.name] for field in fields(cls) if field.name not in own}


def camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def to_data(event: Event) -> dict[str, Any]:
    """The data of an event as the outbox stores it: camelCase keys, timestamps in RFC 3339.

    Raises KeyError for a class that is not an event type of the catalogue.
    """
    return _serializers[type(event)](event)


# Computed once per class, because purchases record thousands of events per second.

#: Fields without a default, each with the column that it is named after.
_columns: Final[dict[type[Event], dict[str, str]]] = {}
_serializers: Final[dict[type[Event], Callable[[Any], dict[str, Any]]]] = {}


def _serializer(cls: type[Event]) -> Callable[[Any], dict[str, Any]]:
    annotations = data_fields(cls)
    keys = tuple(camel_case(name) for name in annotations)
    # With the aggregate's id, because attrgetter returns no tuple for a single attribute.
    values = attrgetter("aggregate_id", *annotations)
    timestamps = _keys_of(datetime, annotations)
    optional = _keys_of(Omitted, annotations)

    def serialize(event: Event) -> dict[str, Any]:
        data = dict(zip(keys, values(event)[1:], strict=True))
        for key in timestamps:
            data[key] = clock.format_timestamp(data[key])
        for key in optional:
            if data[key] is OMITTED:
                del data[key]
        return data

    return serialize


def _keys_of(kind: type, annotations: dict[str, Any]) -> tuple[str, ...]:
    """The keys of the fields whose annotation contains `kind`."""
    return tuple(camel_case(name) for name, one in annotations.items() if _contains(one, kind))


def _contains(annotation: Any, kind: type) -> bool:
    return annotation is kind or any(_contains(part, kind) for part in get_args(annotation))
