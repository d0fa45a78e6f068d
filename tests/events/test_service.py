"""Recording events in the outbox."""

from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.common.db import transaction
from app.common.ids import new_id
from app.events import service as events
from app.events.base import Event
from app.events.catalogue.delivery import LicenceActivated
from app.events.catalogue.orders import RefundFlagged, RefundSettled
from app.events.models import OutboxEvent

ORDER_ID = UUID("019a1b2c-3d4e-7f60-8a9b-0c1d2e3f4a5b")
MERCHANT_ID = UUID("019a1b2c-3d4e-7f60-8a9b-0c1d2e3f4a5c")


def refund(event_type: type[RefundSettled | RefundFlagged]) -> Event:
    return event_type(
        aggregate_id=new_id(),
        order_id=ORDER_ID,
        order_number="4821-0937-558",
        merchant_id=MERCHANT_ID,
        amount=1750,
        currency="EUR",
        destination="GATEWAY",
        reason="Für Zoë",
    )


def licence() -> Event:
    return LicenceActivated(
        aggregate_id=new_id(), merchant_id=MERCHANT_ID, product_id=new_id(), activations=1
    )


def recorded() -> list[OutboxEvent]:
    with transaction() as session:
        return list(session.scalars(select(OutboxEvent).order_by(OutboxEvent.sequence)))


def test_events_are_stored_in_the_order_of_recording(app: Flask) -> None:
    with transaction() as session:
        events.record(session, [refund(RefundFlagged), refund(RefundSettled)])
        events.record(session, [licence()])

    rows = recorded()
    assert [row.type for row in rows] == ["refund-flagged", "refund-settled", "licence-activated"]
    assert [row.aggregate_type for row in rows] == ["refund", "refund", "licence"]
    assert rows[0].data == {
        "orderId": str(ORDER_ID),
        "orderNumber": "4821-0937-558",
        "merchantId": str(MERCHANT_ID),
        "amount": 1750,
        "currency": "EUR",
        "destination": "GATEWAY",
        "reason": "Für Zoë",
    }
    assert rows[0].occurred_at == rows[1].occurred_at
    assert [row.version for row in rows] == [1, 1, 1]


def test_a_rollback_discards_the_events_of_the_transaction(app: Flask) -> None:
    def work() -> None:
        with transaction() as session:
            events.record(session, [licence()])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()

    assert recorded() == []


def test_an_empty_list_inserts_nothing(app: Flask) -> None:
    with transaction() as session:
        events.record(session, [])

    assert recorded() == []


def test_the_database_assigns_the_sequence(app: Flask) -> None:
    with transaction() as session:
        events.record(session, [licence()])
    with transaction() as session:
        row = session.execute(
            text(
                "SELECT is_identity, identity_generation FROM information_schema.columns"
                " WHERE table_name = 'outbox_events' AND column_name = 'sequence'"
            )
        ).one()

    assert tuple(row) == ("YES", "ALWAYS")
