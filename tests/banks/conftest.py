"""A topic of our own, so that the inbox is tested without what anybody does with it."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from app.banks import service
from app.banks.models import BankEvent


class Notebook:
    """Knows what it was told to know, and writes down what it was handed."""

    def __init__(self) -> None:
        self.known = {("HDFC", "reference-1")}
        self.applied: list[BankEvent] = []
        self.apply_by: Callable[[BankEvent], None] = self.applied.append

    def knows(self, session: Session, *, provider: str, reference: str) -> bool:
        return (provider, reference) in self.known

    def apply(self, session: Session, event: BankEvent) -> None:
        self.apply_by(event)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """Who deals with payouts for the length of the test."""
    handler = Notebook()
    monkeypatch.setitem(service._handlers, "payout", handler)
    return handler
