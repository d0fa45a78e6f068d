"""The files of products, and what buyers can download."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, mutable
from app.common.db import Base


class ProductFile(Identified, Base):
    """A version of a product's file, of which the newest is sold.

    retired_at: when it was replaced or deleted.
    """

    __tablename__ = "product_files"
    __table_args__ = (
        CheckConstraint("version > 0", name="version_positive"),
        UniqueConstraint("product_id", "version", name="uq_product_files_version"),
        Index(
            "uq_product_files_current",
            "product_id",
            unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
        mutable("retired_at"),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    version: Mapped[int]
    name: Mapped[str]
    media_type: Mapped[str]
    content_id: Mapped[UUID] = mapped_column(ForeignKey("file_contents.id"), index=True)
    uploaded_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class FileDelivery(Created, Base):
    """What the buyer of an order can download.

    quantity: units of the order. revoked_units: of these. downloads: counted so far.
    downloads_allowed: maximum. link_serial: how often its links were revoked. delivered_at: when
    the order was paid, None while it is reserved.
    """

    __tablename__ = "file_deliveries"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("revoked_units BETWEEN 0 AND quantity", name="revoked_within_quantity"),
        CheckConstraint("downloads BETWEEN 0 AND downloads_allowed", name="downloads_within"),
        CheckConstraint("delivered_at IS NOT NULL OR downloads = 0", name="delivered_first"),
        mutable(
            "revoked_units",
            "downloads",
            "downloads_allowed",
            "link_serial",
            "delivered_at",
            deleted=True,
        ),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), index=True)
    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    quantity: Mapped[int]
    revoked_units: Mapped[int]
    downloads: Mapped[int]
    downloads_allowed: Mapped[int]
    link_serial: Mapped[int] = mapped_column(server_default="0")
    delivered_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        """Whether it was delivered, and not all units were revoked."""
        return self.delivered_at is not None and self.revoked_units < self.quantity


class FileDownload(Identified, Base):
    """A link that was used: one counted download, however often it was resumed.

    served: bytes sent, or being sent. budget: maximum of these.
    """

    __tablename__ = "file_downloads"
    __table_args__ = (
        CheckConstraint("served BETWEEN 0 AND budget", name="served_within"),
        mutable("served"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("file_deliveries.order_id"), index=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("product_files.id"))
    served: Mapped[int]
    budget: Mapped[int]
    begun_at: Mapped[datetime]
