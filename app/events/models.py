"""The outbox, and how far its events have been delivered."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Identified, known_values, mutable
from app.common.db import Base

#: Inserting into the outbox notifies those who listen on this channel.
CHANNEL: Final = "outbox_events"


class OutboxEvent(Identified, Base):
    """An event, inserted in the transaction of the change that it reports, and never changed.

    version: its position among the events of its aggregate, from 1 and without gaps. Drawn, like
    `sequence`, while a row of the aggregate is locked. NULL for events that were recorded before
    any were delivered: they stay undelivered. schema_version: of the fields of `data`;
    trace_context: the span of the request that it comes from, as the header `traceparent` has it.
    """

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index("uq_outbox_events_sequence", "sequence", unique=True),
        mutable(deleted=True),
    )

    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    type: Mapped[str]
    aggregate_type: Mapped[str]
    aggregate_id: Mapped[UUID]
    version: Mapped[int | None]
    schema_version: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    data: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    trace_context: Mapped[str | None]


class EventCount(Base):
    """How many events of an aggregate have been counted: those whose version no other row tells."""

    __tablename__ = "event_counts"
    __table_args__ = (mutable("events"),)

    aggregate_id: Mapped[UUID] = mapped_column(primary_key=True)
    events: Mapped[int]


class EventSink(Base):
    """How far a sink of the relay has come.

    position: the sequence up to which it has received every event, except in `gaps`: lists of the
    first and the last missing sequence, and of the transaction id from which on no transaction can
    fill them. problem: why it receives nothing at present.
    """

    __tablename__ = "event_sinks"
    __table_args__ = (
        mutable("position", "gaps", "delivered_at", "problem", "failed_at", deleted=True),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    gaps: Mapped[list[list[int]]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    failed_at: Mapped[datetime | None]


class HeldStatus(StrEnum):
    """RETRYING: tried again at `next_attempt_at`. WAITING: for an earlier event of its aggregate.
    PARKED: failed too often, and is not tried again until an administrator says so."""

    RETRYING = "RETRYING"
    WAITING = "WAITING"
    PARKED = "PARKED"


class HeldEvent(Base):
    """An event that a sink has passed and not received.

    sequence, type, aggregate_id: as in the outbox. attempts: those that have failed; reason: of the
    last.
    """

    __tablename__ = "held_events"
    __table_args__ = (
        known_values("status", HeldStatus),
        Index("ix_held_events_aggregate", "sink", "aggregate_id", "sequence"),
        Index(
            "ix_held_events_due",
            "sink",
            "next_attempt_at",
            postgresql_where=text("status = 'RETRYING'"),
        ),
        Index("ix_held_events_sequence", "sink", "sequence"),
        Index("ix_held_events_status", "status", "sink", "sequence"),
        Index("ix_held_events_event", "event_id"),
        mutable("status", "attempts", "reason", "next_attempt_at", "failed_at", deleted=True),
    )

    sink: Mapped[str] = mapped_column(
        ForeignKey("event_sinks.name", ondelete="CASCADE"), primary_key=True
    )
    event_id: Mapped[UUID] = mapped_column(ForeignKey("outbox_events.id"), primary_key=True)
    sequence: Mapped[int]
    type: Mapped[str]
    aggregate_id: Mapped[UUID]
    status: Mapped[str]
    attempts: Mapped[int]
    reason: Mapped[str | None]
    next_attempt_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
