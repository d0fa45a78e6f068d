"""Events of transactions, and the feed that follows from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.common import clock
from app.common.db import transaction
from app.common.ids import new_id
from app.events.models import OutboxEvent
from app.events.sinks import StoredEvent
from app.insights import service
from app.insights.transactions.events import REFUSED, UNDER_REVIEW
from app.insights.transactions.handler import TYPES, handle
from app.insights.transactions.models import FeedTransaction
from tests.factories import Actor


def relay(*events: StoredEvent) -> None:
    """Hand events to the handler, and before them those of the outbox."""
    with transaction() as session:
        rows = session.scalars(select(OutboxEvent).order_by(OutboxEvent.sequence)).all()
        stored = [
            StoredEvent(
                id=row.id,
                type=row.type,
                aggregate_type=row.aggregate_type,
                aggregate_id=row.aggregate_id,
                version=1,
                schema_version=1,
                data=row.data,
                occurred_at=row.occurred_at,
            )
            for row in rows
            if row.type in TYPES
        ]
        handle(session, [*stored, *events])


def event(
    kind: str, data: dict[str, Any], *, at: datetime | None = None, of: UUID | None = None
) -> StoredEvent:
    return StoredEvent(
        id=new_id(),
        type=kind,
        aggregate_type="wallet",
        aggregate_id=of or new_id(),
        version=1,
        schema_version=1,
        data=data,
        occurred_at=at or clock.now(),
    )


def purchase(
    buyer: Actor,
    merchant: Actor,
    *,
    amount: int = 1000,
    currency: str = "USD",
    at: datetime | None = None,
    **measured: Any,
) -> StoredEvent:
    data = {
        "number": "PF-1",
        "userId": str(buyer.id),
        "merchantId": str(merchant.id),
        "productId": str(new_id()),
        "quantity": 1,
        "discount": 0,
        "amount": amount,
        "fee": 0,
        "currency": currency,
    }
    return event("order-completed", data | measured, at=at)


def refusal(buyer: Actor, *, at: datetime | None = None, **changes: Any) -> StoredEvent:
    return event(REFUSED, _undone(buyer) | {"code": "INSUFFICIENT_FUNDS"} | changes, at=at)


def review(buyer: Actor, *, at: datetime | None = None, **changes: Any) -> StoredEvent:
    undone = _undone(buyer) | {"code": "PENDING_REVIEW", "caseId": str(new_id())}
    return event(UNDER_REVIEW, undone | changes, at=at)


def _undone(buyer: Actor) -> dict[str, Any]:
    return {
        "kind": "TRANSFER",
        "userId": str(buyer.id),
        "merchantId": None,
        "payeeId": None,
        "amount": 500,
        "currency": "USD",
        "riskScore": "0.25",
        "latencyMs": 7,
    }


def latest(**filters: Any) -> Sequence[FeedTransaction]:
    with transaction() as session:
        return service.list_latest(session, 50, **filters)
