"""Requests for a new password by people who have forgotten theirs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, mutable
from app.common.db import Base


class PasswordReset(Identified, Created, Base):
    """A request for a new password. Unknown addresses have one as well, which nobody hears of.

    email_key: as of users. user_id: of the account that has the address, once processed_at is set;
    None if there is none. used_at: when a new password was set, by this or another request.
    """

    __tablename__ = "password_resets"
    __table_args__ = (
        Index("ix_password_resets_requested", "id", postgresql_where=text("processed_at IS NULL")),
        Index("ix_password_resets_user", "user_id"),
        mutable("user_id", "processed_at", "used_at", deleted=True),
    )

    email_key: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    processed_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
