"""The outbox: events, inserted in the transaction of the change that they report."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Identified, mutable
from app.common.db import Base


class OutboxEvent(Identified, Base):
    __tablename__ = "outbox_events"
    __table_args__ = (
        Index(
            "ix_outbox_events_undelivered",
            "sequence",
            postgresql_where=text("delivered_at IS NULL"),
        ),
        mutable("delivered_at", deleted=True),
    )

    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    type: Mapped[str]
    aggregate_type: Mapped[str]
    aggregate_id: Mapped[UUID]
    data: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
