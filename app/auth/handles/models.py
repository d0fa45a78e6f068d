"""Proofs that users receive what is sent to their email address or phone number."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, known_values, mutable
from app.common.db import Base

#: Codes that are tried for one text message.
MAX_ATTEMPTS: Final = 5


class Purpose(StrEnum):
    """EMAIL: to verify the address of an account. EMAIL_CHANGE: to give an account another one.
    EMAIL_RESTORE: to undo that, for the owner of the earlier address. EMAIL_REPLACED: only tells
    an address that had not been verified that it was replaced. PHONE: to verify a number, which the
    account may not have yet."""

    EMAIL = "EMAIL"
    EMAIL_CHANGE = "EMAIL_CHANGE"
    EMAIL_RESTORE = "EMAIL_RESTORE"
    EMAIL_REPLACED = "EMAIL_REPLACED"
    PHONE = "PHONE"


class HandleVerification(Identified, Created, Base):
    """A link or code that proves whose email address or phone number it is.

    Link and code are derived from the ID, and stored nowhere. handle: the address or number, where
    it is sent. session_id: the session that stays when the address changes. attempts: wrong codes.
    closed_at: when it was used or replaced by another one.
    """

    __tablename__ = "handle_verifications"
    __table_args__ = (
        known_values("purpose", Purpose),
        CheckConstraint(f"attempts BETWEEN 0 AND {MAX_ATTEMPTS}", name="attempts_within"),
        Index(
            "ix_handle_verifications_requested", "id", postgresql_where=text("processed_at IS NULL")
        ),
        Index("ix_handle_verifications_user", "user_id", "id"),
        mutable("attempts", "processed_at", "closed_at", deleted=True),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    purpose: Mapped[str]
    handle: Mapped[str]
    session_id: Mapped[UUID | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    processed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
