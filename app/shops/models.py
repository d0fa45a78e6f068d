"""Logos of shops."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import mutable
from app.common.db import Base


class ShopLogo(Base):
    """The logo of a merchant's shop.

    source_sha256: of the uploaded file, in hexadecimal, so that a repeated upload is recognised.
    """

    __tablename__ = "shop_logos"
    __table_args__ = (
        CheckConstraint("source_sha256 ~ '^[0-9a-f]{64}$'", name="source_sha256_hex"),
        mutable("image_id", "source_sha256", deleted=True),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    image_id: Mapped[UUID] = mapped_column(ForeignKey("images.id"))
    source_sha256: Mapped[str]
