"""Receives what other systems request, once."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from app.common.tracing import Span
from app.events import service as events
from app.events.base import Event
from app.events.kafka import repository


def record_requests(
    session: Session,
    requests: Mapping[UUID, Event],
    spans: Mapping[UUID, Span] | None = None,
) -> int:
    """Record requests as events, except those that were received before; the number of new ones.

    requests: by the id of their message; spans: of those that are traced.
    """
    new = repository.insert_messages(session, requests)
    traced = spans or {}
    events.record_traced(
        session, [(event, traced.get(key)) for key, event in requests.items() if key in new]
    )
    return len(new)
