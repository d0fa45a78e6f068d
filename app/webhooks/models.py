"""Webhook endpoints of merchants, and what is delivered to them."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import String

from app.common.columns import Created, Identified, Timestamped, known_values, mutable
from app.common.db import Base


class ApiVersion(StrEnum):
    """The version of the bodies that an endpoint receives."""

    V1 = "v1"


class EndpointStatus(StrEnum):
    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class DisabledBecause(StrEnum):
    """MERCHANT: by its merchant; GONE: it answered 410; FAILING: it failed for five days."""

    MERCHANT = "MERCHANT"
    GONE = "GONE"
    FAILING = "FAILING"


class DeliveryStatus(StrEnum):
    """WAITING for its next attempt; HELD back behind an earlier event of the same aggregate;
    SKIPPED because the endpoint was disabled; FAILED after the last attempt."""

    WAITING = "WAITING"
    HELD = "HELD"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


#: The statuses of deliveries that will be attempted.
OPEN: Final = (DeliveryStatus.WAITING, DeliveryStatus.HELD)
_IS_OPEN: Final = "status IN ('WAITING', 'HELD')"


class WebhookEndpoint(Identified, Timestamped, Base):
    """Where a merchant's events are sent.

    event_types: those it receives, None for all; is_thin: whether it receives only the type and the
    id; is_proven: whether its last request succeeded, so that it may receive several at a time.
    failures: in a row, from failing_since to last_failed_at; paused_until: when it is tried again.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        known_values("api_version", ApiVersion),
        known_values("status", EndpointStatus),
        known_values("disabled_because", DisabledBecause),
        CheckConstraint(
            "(status = 'DISABLED') = (disabled_at IS NOT NULL)"
            " AND (disabled_at IS NULL) = (disabled_because IS NULL)",
            name="disabled_has_reason",
        ),
        CheckConstraint("deleted_at IS NULL OR status = 'DISABLED'", name="deleted_is_disabled"),
        CheckConstraint(
            "(failures = 0) = (failing_since IS NULL)"
            " AND (failing_since IS NULL) = (last_failed_at IS NULL)"
            " AND (failures = 0 OR NOT is_proven)",
            name="failures_have_times",
        ),
        Index(
            "ix_webhook_endpoints_merchant",
            "merchant_id",
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_webhook_endpoints_deleted",
            "deleted_at",
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
        mutable(
            "url",
            "description",
            "event_types",
            "api_version",
            "is_thin",
            "status",
            "disabled_at",
            "disabled_because",
            "is_proven",
            "failures",
            "failing_since",
            "last_failed_at",
            "paused_until",
            "updated_at",
            "deleted_at",
            deleted=True,
        ),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    url: Mapped[str]
    description: Mapped[str | None]
    event_types: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    api_version: Mapped[str]
    is_thin: Mapped[bool]
    status: Mapped[str]
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str | None]
    is_proven: Mapped[bool] = mapped_column(server_default="false")
    failures: Mapped[int] = mapped_column(server_default="0")
    failing_since: Mapped[datetime | None]
    last_failed_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    @property
    def is_enabled(self) -> bool:
        return self.status == EndpointStatus.ENABLED


class WebhookSecret(Identified, Created, Base):
    """A secret that signs deliveries to an endpoint. expires_at: None for the current one."""

    __tablename__ = "webhook_secrets"
    __table_args__ = (
        Index(
            "uq_webhook_secrets_current",
            "endpoint_id",
            unique=True,
            postgresql_where=text("expires_at IS NULL"),
        ),
        Index("ix_webhook_secrets_endpoint", "endpoint_id", "id"),
        mutable("expires_at", deleted=True),
    )

    endpoint_id: Mapped[UUID] = mapped_column(
        ForeignKey("webhook_endpoints.id", ondelete="CASCADE")
    )
    encrypted: Mapped[bytes]
    expires_at: Mapped[datetime | None]


class WebhookDelivery(Identified, Created, Base):
    """An event for an endpoint.

    message_id: the id of the event, which is the same in every attempt and replay; position: the
    order in which deliveries were recorded; body: JSON, as it is sent; attempts: since it was
    recorded or replayed; taken_at: when the attempt began that has no outcome yet, which is given
    up at next_attempt_at.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        known_values("status", DeliveryStatus),
        CheckConstraint(
            "(status = 'WAITING') = (next_attempt_at IS NOT NULL)", name="waiting_has_next_attempt"
        ),
        CheckConstraint(f"({_IS_OPEN}) = (finished_at IS NULL)", name="open_until_finished"),
        CheckConstraint("taken_at IS NULL OR status = 'WAITING'", name="taken_is_waiting"),
        Index("uq_webhook_deliveries_message", "endpoint_id", "message_id", unique=True),
        Index("ix_webhook_deliveries_endpoint", "endpoint_id", "id"),
        Index("ix_webhook_deliveries_aggregate", "endpoint_id", "aggregate_id", "id"),
        # What is due, endpoint by endpoint.
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "next_attempt_at",
            "position",
            postgresql_where=text("status = 'WAITING'"),
        ),
        # Whether an earlier event of the same aggregate is open, and which one is next.
        Index(
            "ix_webhook_deliveries_open",
            "endpoint_id",
            "aggregate_id",
            "position",
            postgresql_where=text(_IS_OPEN),
        ),
        Index(
            "ix_webhook_deliveries_taken",
            "endpoint_id",
            postgresql_where=text("taken_at IS NOT NULL"),
        ),
        Index(
            "ix_webhook_deliveries_replay",
            "replay_id",
            "status",
            postgresql_where=text("replay_id IS NOT NULL"),
        ),
        Index(
            "ix_webhook_deliveries_finished",
            "finished_at",
            postgresql_where=text("finished_at IS NOT NULL"),
        ),
        mutable(
            "status",
            "attempts",
            "next_attempt_at",
            "taken_at",
            "finished_at",
            "replay_id",
            deleted=True,
        ),
    )

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"))
    message_id: Mapped[UUID]
    aggregate_id: Mapped[UUID]
    type: Mapped[str]
    body: Mapped[str]
    status: Mapped[str]
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    replay_id: Mapped[UUID | None]


class WebhookAttempt(Identified, Base):
    """A request to an endpoint. Append-only; it is deleted with its delivery.

    duration: milliseconds; status_code: None without a response; error: why it failed, None if it
    succeeded; excerpt: the beginning of the response.
    """

    __tablename__ = "webhook_attempts"
    __table_args__ = (Index("ix_webhook_attempts_delivery", "delivery_id", "id"),)

    delivery_id: Mapped[UUID] = mapped_column(
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE")
    )
    started_at: Mapped[datetime]
    duration: Mapped[int]
    status_code: Mapped[int | None]
    error: Mapped[str | None]
    excerpt: Mapped[str | None]


class WebhookReplay(Identified, Created, Base):
    """A request of a merchant to deliver again what was delivered, skipped or has failed.

    starts_at, ends_at: the period of the deliveries, None for a selection; delivery_status: only
    those with this status, None for all that are finished; after_id: the last delivery that was
    looked at; total: deliveries found so far; queued_at: when all of them were found.
    """

    __tablename__ = "webhook_replays"
    __table_args__ = (
        known_values("delivery_status", DeliveryStatus),
        CheckConstraint("(starts_at IS NULL) = (ends_at IS NULL)", name="period_has_end"),
        Index("ix_webhook_replays_endpoint", "endpoint_id", "id"),
        Index("ix_webhook_replays_open", "id", postgresql_where=text("queued_at IS NULL")),
        mutable("after_id", "total", "queued_at", deleted=True),
    )

    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    delivery_status: Mapped[str | None]
    after_id: Mapped[UUID | None]
    total: Mapped[int]
    queued_at: Mapped[datetime | None]
