"""Schemas of held events and sinks, as administrators see them."""

from typing import Final

import marshmallow as ma

from app.administration.schemas import id_filter
from app.auth.schemas import ReasonIn
from app.common.csv_documents import CsvArgs
from app.common.fields import Choice, Schema, Text, Timestamp
from app.common.pagination import MAX_COUNT, PageArgs, page_of
from app.events.models import HeldStatus

_SINK: Final = "notifications"
_AT_MOST: Final = f"at most {MAX_COUNT:,} are counted"


class _HeldEventFilters(Schema):
    status = ma.fields.String(
        validate=ma.validate.OneOf(list(HeldStatus)),
        metadata={"description": "Only events with this status"},
    )
    sink = Text(
        max_length=100,
        metadata={"description": "Only events that this sink holds", "example": _SINK},
    )
    event_type = Text(
        data_key="type",
        max_length=100,
        metadata={"description": "Only events of this type", "example": "order-completed"},
    )
    aggregate_id = id_filter("Only events of this record, such as an order")


class HeldEventsArgs(PageArgs, _HeldEventFilters):
    pass


class ExportHeldEventsArgs(CsvArgs, _HeldEventFilters):
    pass


class SettleHeldEventIn(ReasonIn):
    sink = Text(
        max_length=100,
        required=True,
        metadata={"description": "Name of the sink that holds the event", "example": _SINK},
    )


class HeldEventOut(Schema):
    id = ma.fields.UUID(attribute="event.id", required=True)
    sink = ma.fields.String(
        attribute="held.sink",
        required=True,
        metadata={"description": "Name of the sink that holds it", "example": _SINK},
    )
    type = ma.fields.String(
        attribute="held.type",
        required=True,
        metadata={"description": "Type of the event", "example": "order-completed"},
    )
    aggregate_type = ma.fields.String(
        attribute="event.aggregate_type",
        required=True,
        metadata={"description": "What it happened to", "example": "order"},
    )
    aggregate_id = ma.fields.UUID(
        attribute="event.aggregate_id",
        required=True,
        metadata={"description": "ID of what it happened to"},
    )
    version = ma.fields.Integer(
        attribute="event.version",
        required=True,
        metadata={"description": "Position among the events of `aggregateId`, from 1"},
    )
    occurred_at = Timestamp(
        attribute="event.occurred_at",
        required=True,
        metadata={"description": "When it happened (UTC)"},
    )
    status = Choice(
        HeldStatus,
        attribute="held.status",
        required=True,
        metadata={
            "description": "RETRYING: is tried again at `nextAttemptAt`; WAITING: for an earlier"
            " event of `aggregateId`; PARKED: failed too often, and waits for an administrator",
            "example": "PARKED",
        },
    )
    attempts = ma.fields.Integer(
        attribute="held.attempts",
        required=True,
        metadata={"description": "Attempts that failed, since an administrator retried it last"},
    )
    reason = ma.fields.String(
        attribute="held.reason",
        required=True,
        allow_none=True,
        metadata={
            "description": "Why the last attempt failed; null if there was none. The log has the"
            " rest.",
            "example": "IntegrityError",
        },
    )
    failed_at = Timestamp(
        attribute="held.failed_at",
        required=True,
        allow_none=True,
        metadata={"description": "When the last attempt failed (UTC); null if there was none"},
    )
    next_attempt_at = Timestamp(
        attribute="held.next_attempt_at",
        required=True,
        allow_none=True,
        metadata={"description": "When it is tried next (UTC); null unless RETRYING"},
    )


HeldEventList = page_of(HeldEventOut)


class EventSinkOut(Schema):
    name = ma.fields.String(required=True, metadata={"example": _SINK})
    behind = ma.fields.Integer(
        required=True,
        metadata={
            "description": "Events that are still to be delivered to it for the first time, at most"
        },
    )
    delivered_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When it last received or passed events (UTC); null before"},
    )
    problem = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why nothing can be delivered to it; null while that is possible"},
    )
    failed_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When it last could not be reached (UTC); null if never"},
    )
    held = ma.fields.Integer(
        required=True, metadata={"description": f"Events that it holds; {_AT_MOST}"}
    )
    parked = ma.fields.Integer(
        required=True, metadata={"description": f"Those of them that are PARKED; {_AT_MOST}"}
    )


EventSinkList = page_of(EventSinkOut)
