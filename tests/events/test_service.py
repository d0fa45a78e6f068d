"""The outbox: rows that exist exactly when what they tell of does."""

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.common.db import new_id, transaction
from app.events import service as events
from app.events.models import OutboxEvent
from app.events.service import Event


def some_event(name: str) -> Event:
    return Event(name, "thing", new_id(), {"amount": 1750, "note": "Für Zoë"})


def recorded() -> list[OutboxEvent]:
    with transaction() as session:
        return list(session.scalars(select(OutboxEvent).order_by(OutboxEvent.sequence)))


def test_events_are_kept_in_the_order_in_which_they_were_recorded(app: Flask) -> None:
    with transaction() as session:
        events.record(session, [some_event("a"), some_event("b")])
        events.record(session, [some_event("c")])

    rows = recorded()
    assert [row.type for row in rows] == ["a", "b", "c"]
    assert rows[0].data == {"amount": 1750, "note": "Für Zoë"}
    assert rows[0].occurred_at == rows[1].occurred_at
    assert [row.delivered_at for row in rows] == [None] * 3


def test_what_is_rolled_back_was_never_told(app: Flask) -> None:
    def work() -> None:
        with transaction() as session:
            events.record(session, [some_event("a")])
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError):
        work()

    assert recorded() == []


def test_no_events_cost_no_statement(app: Flask) -> None:
    with transaction() as session:
        events.record(session, [])

    assert recorded() == []


def test_the_sequence_is_the_database_s_own(app: Flask) -> None:
    with transaction() as session:
        events.record(session, [some_event("a")])
    with transaction() as session:
        row = session.execute(
            text(
                "SELECT is_identity, identity_generation FROM information_schema.columns"
                " WHERE table_name = 'outbox_events' AND column_name = 'sequence'"
            )
        ).one()

    assert tuple(row) == ("YES", "ALWAYS")
