"""Handlers of events as sinks of the relay: what they do is part of the relay's transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.common import db
from app.common.db import savepoint
from app.events.sinks import Handle, StoredEvent

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Handler:
    """A sink that handles events in this process. Each has its effect exactly once.

    name, types: as of `Sink`.
    """

    name: str
    handle: Handle
    types: Collection[str] | None = None

    def deliver(self, session: Session, events: Sequence[StoredEvent]) -> Mapping[UUID, str]:
        """Handle all events at once; if that fails, one by one. As `Sink.deliver`.

        The reason of a failure is the class of the error; the log has the rest.
        """
        try:
            self._handle(session, events)
        except Exception as error:
            _raise_if_of_database(error)
            return self._handle_each(session, events)
        return {}

    def _handle_each(self, session: Session, events: Sequence[StoredEvent]) -> Mapping[UUID, str]:
        failures: dict[UUID, str] = {}
        failed: set[UUID] = set()
        for event in events:
            if event.aggregate_id in failed:
                failures[event.id] = "an earlier event of the aggregate failed"
                continue
            try:
                self._handle(session, [event])
            except Exception as error:
                _raise_if_of_database(error)
                _log.warning("handler_failed", handler=self.name, exc_info=True)
                failed.add(event.aggregate_id)
                failures[event.id] = type(error).__name__
        return failures

    def _handle(self, session: Session, events: Sequence[StoredEvent]) -> None:
        with savepoint(session):
            self.handle(session, events)


def _raise_if_of_database(error: Exception) -> None:
    """Raise an error that says nothing about the events: all of them are tried again at once."""
    if isinstance(error, DBAPIError | psycopg.Error) and db.failure(error).is_retried:
        raise error
