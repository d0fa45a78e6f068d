"""Giveaways."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.common import clock
from app.common.columns import Created, Identified, known_values, mutable
from app.common.db import Base


class GiveawayKind(StrEnum):
    """BATCH: codes or keys that the merchant hands on; LINK: each user who opens it claims one."""

    BATCH = "BATCH"
    LINK = "LINK"


class GiveawayStatus(StrEnum):
    OPEN = "OPEN"
    USED_UP = "USED_UP"
    EXPIRED = "EXPIRED"
    CLOSED = "CLOSED"


class Giveaway(Identified, Created, Base):
    """Units of a product that are given away. Each of its orders has some of them.

    max_units: in all. units: given so far. token: of the link, None for a BATCH.
    """

    __tablename__ = "giveaways"
    __table_args__ = (
        known_values("kind", GiveawayKind),
        CheckConstraint("max_units > 0 AND units BETWEEN 0 AND max_units", name="units_within"),
        CheckConstraint("(kind = 'LINK') = (token IS NOT NULL)", name="link_has_token"),
        Index("ix_giveaways_merchant", "merchant_id", "id"),
        mutable("units", "closed_at"),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    name: Mapped[str]
    kind: Mapped[str]
    max_units: Mapped[int]
    units: Mapped[int]
    token: Mapped[str | None] = mapped_column(unique=True)
    expires_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    @property
    def status(self) -> GiveawayStatus:
        """The status at this moment."""
        if self.closed_at is not None:
            return GiveawayStatus.CLOSED
        if self.units >= self.max_units:
            return GiveawayStatus.USED_UP
        if self.expires_at is not None and self.expires_at <= clock.now():
            return GiveawayStatus.EXPIRED
        return GiveawayStatus.OPEN
