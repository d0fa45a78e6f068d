"""Records what is to be delivered to webhook endpoints: a handler of events."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.common.ids import new_id
from app.events.sinks import StoredEvent
from app.webhooks import repository
from app.webhooks.catalogue import WEBHOOK_TYPES, body, merchant_of
from app.webhooks.models import DeliveryStatus, EndpointStatus

#: The types of events that concern a merchant.
TYPES: Final = frozenset(WEBHOOK_TYPES)


def handle(session: Session, events: Sequence[StoredEvent]) -> None:
    """Record a delivery of each event to each endpoint of its merchant that wants it."""
    by_merchant: dict[UUID, list[StoredEvent]] = {}
    for event in events:
        if event.type in TYPES and (merchant_id := merchant_of(event.type, event.data)):
            by_merchant.setdefault(merchant_id, []).append(event)
    if not by_merchant:
        return
    endpoints = repository.list_endpoints_of(session, by_merchant.keys())
    rows = [
        new_delivery(
            endpoint_id=endpoint.id,
            message_id=event.id,
            aggregate_id=event.aggregate_id,
            event_type=event.type,
            body=body(
                event.type,
                event.occurred_at,
                aggregate_id=event.aggregate_id,
                data=event.data,
                is_thin=endpoint.is_thin,
            ),
            is_skipped=endpoint.status == EndpointStatus.DISABLED,
        )
        for endpoint in endpoints
        for event in by_merchant[endpoint.merchant_id]
        if endpoint.event_types is None or event.type in endpoint.event_types
    ]
    if rows:
        repository.insert_deliveries(session, rows)


def new_delivery(
    *,
    endpoint_id: UUID,
    message_id: UUID,
    aggregate_id: UUID,
    event_type: str,
    body: str,
    is_skipped: bool = False,
) -> dict[str, Any]:
    """A row that is due now. is_skipped: or one that is kept for a replay only."""
    now = clock.now()
    status = DeliveryStatus.SKIPPED if is_skipped else DeliveryStatus.WAITING
    return {
        "id": new_id(),
        "endpoint_id": endpoint_id,
        "message_id": message_id,
        "aggregate_id": aggregate_id,
        "type": event_type,
        "body": body,
        "status": status.value,
        "attempts": 0,
        "next_attempt_at": None if is_skipped else now,
        "taken_at": None,
        "finished_at": now if is_skipped else None,
        "replay_id": None,
        "created_at": now,
    }
