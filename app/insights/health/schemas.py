"""Schemas of the health of the system."""

import marshmallow as ma

from app.common.fields import Choice, Schema, Timestamp
from app.insights.health.models import BackupKind
from app.insights.health.service import BacklogKind, CheckStatus


class HealthCheckOut(Schema):
    name = ma.fields.String(
        required=True,
        metadata={"description": "What is checked, as in `/health/ready`", "example": "database"},
    )
    status = Choice(
        CheckStatus,
        required=True,
        metadata={
            "description": "OK; AWAY: does not answer; BEHIND: something waits for more than five"
            " minutes, or the schema is of an earlier version; AHEAD or MISSING: the schema is of"
            " a later version, or missing; PARKED: an event waits for an administrator; UNKNOWN:"
            " the check did not answer in time",
            "example": "OK",
        },
    )


class BacklogOut(Schema):
    kind = Choice(
        BacklogKind,
        required=True,
        metadata={
            "description": "EVENTS of the outbox, WEBHOOKS, JOBS of the worker, or MESSAGES to"
            " users",
            "example": "EVENTS",
        },
    )
    name = ma.fields.String(
        required=True,
        metadata={
            "description": "Name of the sink, the queue or the channel",
            "example": "notifications",
        },
    )
    waiting = ma.fields.Integer(
        required=True, metadata={"description": "How many wait", "example": 3}
    )
    delay_seconds = ma.fields.Float(
        attribute="delay",
        required=True,
        metadata={
            "description": "For how many seconds the first of them has been waiting",
            "example": 0.4,
        },
    )
    parked = ma.fields.Integer(
        required=True,
        metadata={"description": "Events that wait for an administrator", "example": 0},
    )


class VerificationOut(Schema):
    """A run of `verify`."""

    started_at = Timestamp(
        required=True, metadata={"description": "When its snapshot was taken (UTC)"}
    )
    finished_at = Timestamp(required=True, metadata={"description": "When it was over (UTC)"})
    since = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "Age of the oldest records that it checked; null for all"},
    )
    violated = ma.fields.Integer(
        required=True, metadata={"description": "Number of violated invariants", "example": 0}
    )


class ArchiveOut(Schema):
    """The archive of PostgreSQL's write-ahead log, from which the database can be restored."""

    is_on = ma.fields.Boolean(
        required=True, metadata={"description": "Whether the server archives its log"}
    )
    archived_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When a segment was last archived; null if none was"},
    )
    failed_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When archiving last failed; null if it never did"},
    )


class BackupOut(Schema):
    """A base backup of the database, with the files."""

    kind = Choice(
        BackupKind,
        required=True,
        metadata={
            "description": "FULL, or INCREMENTAL: of what has changed since the backup before it",
            "example": "FULL",
        },
    )
    size = ma.fields.Integer(
        required=True, metadata={"description": "Bytes", "example": 41_000_000}
    )
    started_at = Timestamp(required=True, metadata={"description": "When it began (UTC)"})
    finished_at = Timestamp(
        required=True,
        metadata={"description": "When it was complete (UTC): what can be restored begins there"},
    )


class SystemHealthOut(Schema):
    at = Timestamp(required=True, metadata={"description": "When it was read (UTC)"})
    is_well = ma.fields.Boolean(
        required=True, metadata={"description": "Whether every check is OK"}
    )
    checks = ma.fields.List(
        ma.fields.Nested(HealthCheckOut),
        required=True,
        metadata={"description": "The checks of `/health/ready`"},
    )
    backlogs = ma.fields.List(
        ma.fields.Nested(BacklogOut),
        required=True,
        metadata={"description": "What waits, as the metrics tell it"},
    )
    verification = ma.fields.Nested(
        VerificationOut,
        required=True,
        allow_none=True,
        metadata={"description": "The last recorded run of `verify`; null without one"},
    )
    backup = ma.fields.Nested(
        BackupOut,
        required=True,
        allow_none=True,
        metadata={
            "description": "The last backup that has succeeded; null without one. Dumps are made"
            " outside of the system, which does not know of them"
        },
    )
    archive = ma.fields.Nested(
        ArchiveOut, required=True, metadata={"description": "The archive of the log"}
    )
