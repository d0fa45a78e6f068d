"""Notifications, the mails and text messages to be sent, and preferences."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, known_values, mutable
from app.common.db import Base


class Kind(StrEnum):
    """What a notification is about, by which users choose what they receive."""

    PURCHASE = "PURCHASE"
    SALE = "SALE"
    REFUND = "REFUND"
    DEPOSIT = "DEPOSIT"
    PAYOUT = "PAYOUT"
    TRANSFER = "TRANSFER"
    PAYMENT_REQUEST = "PAYMENT_REQUEST"
    REVIEW = "REVIEW"
    LOW_STOCK = "LOW_STOCK"
    WEBHOOK = "WEBHOOK"
    MESSAGE = "MESSAGE"
    SECURITY = "SECURITY"


class Channel(StrEnum):
    IN_APP = "IN_APP"
    EMAIL = "EMAIL"
    SMS = "SMS"


class MessageStatus(StrEnum):
    """PENDING: to be sent at `next_attempt_at`. SENDING: the server is being given it, or was when
    the sender died. COLLECTED: a sale that waits for the digest of the hour. MERGED: it was part of
    one. FAILED: given up."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    COLLECTED = "COLLECTED"
    SENT = "SENT"
    MERGED = "MERGED"
    FAILED = "FAILED"


class Notification(Identified, Created, Base):
    """A notification in a user's feed.

    id: derived from the event and the user, so that an event that is handled twice has one. topic:
    selects its text; data: of the event, from which the text is made when it is read.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_user", "user_id", "id"),
        Index("ix_notifications_unread", "user_id", "id", postgresql_where=text("read_at IS NULL")),
        mutable("read_at", deleted=True),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    topic: Mapped[str]
    data: Mapped[dict[str, Any]]
    read_at: Mapped[datetime | None]


class OutgoingMessage(Identified, Created, Base):
    """A mail or text message.

    id: as of Notification; topic, data: likewise. address: None for the one that the user has when
    it is sent. next_attempt_at: None once it is closed. problem: why the last attempt failed.
    trace_context: of the event, as of OutboxEvent.
    """

    __tablename__ = "outgoing_messages"
    __table_args__ = (
        known_values("channel", [Channel.EMAIL, Channel.SMS]),
        known_values("status", MessageStatus),
        CheckConstraint(
            "(next_attempt_at IS NULL) = (status IN ('SENT', 'MERGED', 'FAILED'))",
            name="open_is_due",
        ),
        Index(
            "ix_outgoing_messages_due",
            "next_attempt_at",
            postgresql_where=text("status IN ('PENDING', 'SENDING')"),
        ),
        Index(
            "ix_outgoing_messages_collected",
            "next_attempt_at",
            "user_id",
            postgresql_where=text("status = 'COLLECTED'"),
        ),
        # How many a merchant was sent within the hour.
        Index(
            "ix_outgoing_messages_sales",
            "user_id",
            "id",
            postgresql_where=text("topic = 'sale' AND channel = 'EMAIL' AND attempts > 0"),
        ),
        mutable("status", "attempts", "next_attempt_at", "problem", "closed_at", deleted=True),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    channel: Mapped[str]
    topic: Mapped[str]
    address: Mapped[str | None]
    data: Mapped[dict[str, Any]]
    status: Mapped[str]
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    trace_context: Mapped[str | None]


class NotificationPreference(Base):
    """What a user has chosen for a kind and channel. The others have their default."""

    __tablename__ = "notification_preferences"
    __table_args__ = (
        known_values("channel", Channel),
        mutable("enabled", "updated_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool]
    updated_at: Mapped[datetime]
