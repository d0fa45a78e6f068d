"""Images of products."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import mutable
from app.common.db import Base


class ProductImage(Base):
    """An image of a product.

    position: its place among the images of the product, from 1. source_sha256: of the uploaded
    file, in hexadecimal, so that a repeated upload is recognised.
    """

    __tablename__ = "product_images"
    __table_args__ = (
        CheckConstraint("position > 0", name="position_positive"),
        CheckConstraint("source_sha256 ~ '^[0-9a-f]{64}$'", name="source_sha256_hex"),
        UniqueConstraint("product_id", "source_sha256", name="uq_product_images_source"),
        Index("ix_product_images_product", "product_id", "position"),
        mutable("position", deleted=True),
    )

    image_id: Mapped[UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    position: Mapped[int]
    source_sha256: Mapped[str]
