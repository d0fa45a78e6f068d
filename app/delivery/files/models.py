"""Contents, the files of products, and what buyers can download."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, mutable
from app.common.db import Base

#: How long unreferenced content is kept: longer than a link is valid, and longer than it takes
#: from the end of an upload to the row that refers to it.
RETENTION: Final = timedelta(days=1)


class FileContent(Identified, Created, Base):
    """Bytes that are stored once, even if several merchants upload them.

    sha256: hexadecimal. review_at: when to remove them unless a file refers to them; None while a
    current one does. removing_at: when their removal began, after which no file may refer to them.
    removed_at: when they had been removed. checked_at: of the last check that they are stored.
    missing_at: of the first check that did not find them.
    """

    __tablename__ = "file_contents"
    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_hex"),
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint(
            "removed_at IS NULL OR removing_at IS NOT NULL", name="removed_after_removing"
        ),
        # Content that is being removed is not reused: the same bytes get a new row and a new key.
        Index(
            "uq_file_contents_sha256",
            "sha256",
            unique=True,
            postgresql_where=text("removing_at IS NULL"),
        ),
        Index(
            "ix_file_contents_review", "review_at", postgresql_where=text("review_at IS NOT NULL")
        ),
        # COALESCE in the index, as in the query: contents that were never checked come first.
        Index(
            "ix_file_contents_check",
            text("coalesce(checked_at, created_at)"),
            postgresql_where=text("removing_at IS NULL"),
        ),
        Index(
            "ix_file_contents_removing",
            "id",
            postgresql_where=text("removing_at IS NOT NULL AND removed_at IS NULL"),
        ),
        mutable("review_at", "removing_at", "removed_at", "checked_at", "missing_at"),
    )

    sha256: Mapped[str]
    size: Mapped[int]
    review_at: Mapped[datetime | None]
    removing_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    missing_at: Mapped[datetime | None]

    @property
    def storage_key(self) -> str:
        """The key of the bytes in the storage, unique to this row."""
        return f"{self.sha256}.{self.id.hex}"


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
    downloads_allowed: maximum. delivered_at: when the order was paid, None while it is reserved.
    """

    __tablename__ = "file_deliveries"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("revoked_units BETWEEN 0 AND quantity", name="revoked_within_quantity"),
        CheckConstraint("downloads BETWEEN 0 AND downloads_allowed", name="downloads_within"),
        CheckConstraint("delivered_at IS NOT NULL OR downloads = 0", name="delivered_first"),
        mutable("revoked_units", "downloads", "downloads_allowed", "delivered_at", deleted=True),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), index=True)
    buyer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    quantity: Mapped[int]
    revoked_units: Mapped[int]
    downloads: Mapped[int]
    downloads_allowed: Mapped[int]
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
