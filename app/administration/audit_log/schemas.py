"""Schemas of the audit log."""

import marshmallow as ma

from app.administration.schemas import id_filter
from app.auth.user_summaries import UserSummaryOut
from app.common.csv_documents import CsvArgs
from app.common.fields import Schema, Text, Timestamp
from app.common.pagination import SortablePageArgs, page_of
from app.common.time_range import TimeRangeArgs


class _Filters(TimeRangeArgs):
    actor_id = id_filter("Only what this user has done")
    target_id = id_filter(
        "Only what was done to this user, wallet, order, refund, event, or other target"
    )
    action = Text(
        max_length=100,
        metadata={"description": "Only this action, exactly", "example": "wallet.lock"},
    )


class AuditArgs(SortablePageArgs, _Filters):
    pass


class ExportAuditArgs(CsvArgs, _Filters):
    pass


class AuditRecordOut(Schema):
    id = ma.fields.UUID(attribute="record.id", required=True)
    created_at = Timestamp(attribute="record.created_at", required=True)
    actor = ma.fields.Nested(
        UserSummaryOut,
        required=True,
        allow_none=True,
        metadata={"description": "Who did it; null for the command line"},
    )
    action = ma.fields.String(
        attribute="record.action",
        required=True,
        metadata={"description": "Noun and verb", "example": "wallet.lock"},
    )
    target_type = ma.fields.String(
        attribute="record.target_type",
        required=True,
        metadata={"description": "What it was done to", "example": "wallet"},
    )
    target_id = ma.fields.UUID(
        attribute="record.target_id", required=True, metadata={"description": "ID of the target"}
    )
    reason = ma.fields.String(attribute="record.reason", required=True, allow_none=True)
    details = ma.fields.Dict(
        attribute="record.details",
        required=True,
        metadata={"description": "Values of the action, without secrets"},
    )


AuditRecordList = page_of(AuditRecordOut)
