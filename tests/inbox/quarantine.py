"""Events in quarantine, without the handlers that put them there."""

from typing import Any
from uuid import UUID

from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.events import service as outbox
from app.events.catalogue.banks import BankEventQuarantined
from app.inbox.errors import QuarantineReason
from app.inbox.models import InboundEvent


def quarantined_event(reference: str, reason: QuarantineReason, **values: Any) -> UUID:
    """Insert a quarantined event of HDFC about an on-ramp, with its report. Returns its ID.

    values: columns that differ.
    """
    event_id, now = new_id(), clock.now()
    columns = {
        "provider": "HDFC",
        "event_id": f"evt_{event_id}",
        "type": "payment.succeeded",
        "reference": reference,
        "amount": 500,
        "currency": "USD",
        "body": "{}",
        "status": "QUARANTINED",
        "last_error": reason.value,
    }
    with transaction() as session:
        event = InboundEvent(
            id=event_id,
            next_attempt_at=now,
            received_at=now,
            processed_at=now,
            **(columns | values),
        )
        session.add(event)
        session.flush()
        report = BankEventQuarantined.of(event, reason=reason.value, ours={}, theirs={})
        outbox.record(session, [report])
    return event_id
