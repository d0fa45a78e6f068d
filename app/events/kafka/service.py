"""Receives what other systems request, once."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from app.events import service as events
from app.events.base import Event
from app.events.kafka import repository


def record_requests(session: Session, requests: Mapping[UUID, Event]) -> int:
    """Record requests as events, except those that were received before; the number of new ones.

    requests: by the id of their message.
    """
    new = repository.insert_messages(session, requests)
    events.record(session, [request for key, request in requests.items() if key in new])
    return len(new)
