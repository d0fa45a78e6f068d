"""Images and the sizes in which they are shown."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, mutable
from app.common.db import Base


class Image(Identified, Created, Base):
    """An image that a merchant shows. Its content never changes: another image has another id.

    alt: what it shows, in words (the `alt` of HTML). bytes: of all sizes. retired_at: when it was
    deleted.
    """

    __tablename__ = "images"
    __table_args__ = (
        CheckConstraint("bytes > 0", name="bytes_positive"),
        # For the quota.
        Index("ix_images_merchant", "merchant_id", "retired_at", postgresql_include=["bytes"]),
        mutable("alt", "retired_at"),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    alt: Mapped[str | None]
    bytes: Mapped[int]
    retired_at: Mapped[datetime | None]


class ImageSize(Base):
    """An image in one size. side: of limits.SIDES, which its longer side does not exceed."""

    __tablename__ = "image_sizes"
    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0", name="dimensions_positive"),
        CheckConstraint("greatest(width, height) <= side", name="within_side"),
        CheckConstraint("bytes > 0", name="bytes_positive"),
    )

    image_id: Mapped[UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    side: Mapped[int] = mapped_column(primary_key=True)
    width: Mapped[int]
    height: Mapped[int]
    bytes: Mapped[int]
    content_id: Mapped[UUID] = mapped_column(ForeignKey("file_contents.id"), index=True)
