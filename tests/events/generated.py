"""Generated events: valid values for every field of a type."""

from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from hypothesis import strategies as st

from app.events.base import OMITTED, Event, Omitted, data_fields, to_data
from app.events.sinks import StoredEvent

IDS = st.uuids(version=4)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

_VALUES: dict[Any, st.SearchStrategy[Any]] = {
    UUID: IDS,
    str: st.text(max_size=20),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    datetime: TIMES,
    dict: st.dictionaries(st.text(max_size=9), st.none() | st.integers(0, 9), max_size=3),
    NoneType: st.none(),
    Omitted: st.just(OMITTED),
}


def events(kind: type[Event]) -> st.SearchStrategy[Event]:
    fields = {name: _values(annotation) for name, annotation in data_fields(kind).items()}
    return st.builds(kind, aggregate_id=IDS, **fields)


def stored(event: Event, *, event_id: UUID, occurred_at: datetime, version: int) -> StoredEvent:
    return StoredEvent(
        id=event_id,
        type=event.event_type,
        aggregate_type=event.aggregate_type,
        aggregate_id=event.aggregate_id,
        version=version,
        schema_version=event.schema_version,
        # As PostgreSQL returns it.
        data={key: str(v) if isinstance(v, UUID) else v for key, v in to_data(event).items()},
        occurred_at=occurred_at,
    )


def stored_events(kind: type[Event]) -> st.SearchStrategy[StoredEvent]:
    return st.builds(
        stored, events(kind), event_id=IDS, occurred_at=TIMES, version=st.integers(1, 10**9)
    )


def _values(annotation: Any) -> st.SearchStrategy[Any]:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(parts[0])
    if origin in (Union, UnionType):
        return st.one_of([_values(part) for part in parts])
    if origin is tuple:
        return st.lists(_values(parts[0]), max_size=3).map(tuple)
    return _VALUES[origin or annotation]
