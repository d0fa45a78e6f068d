"""A handler that records events, to test the inbox without the modules that handle them."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from app.common import process_state
from app.common.ids import new_id
from app.inbox import service
from app.inbox.models import InboundEvent


class RecordingHandler:
    """Owns the references it is given, and records the events that it is called with."""

    def __init__(self) -> None:
        self.owned: set[tuple[str, str]] = set()
        self.handled: list[InboundEvent] = []
        self.react: Callable[[InboundEvent], None] = self.handled.append

    @classmethod
    def subscribed(cls, monkeypatch: pytest.MonkeyPatch, *topics: str) -> "RecordingHandler":
        """A handler that replaces the real one of these topics during the test."""
        handler = cls()
        for topic in topics:
            monkeypatch.setitem(process_state._values[service.handlers.name], topic, handler)
        return handler

    def new_reference(self, provider: str) -> UUID:
        """A new reference that it owns."""
        reference = new_id()
        self.owned.add((provider, str(reference)))
        return reference

    def owns(self, session: Session, *, provider: str, reference: str) -> bool:
        return (provider, reference) in self.owned

    def handle(self, session: Session, event: InboundEvent) -> None:
        self.react(event)
