"""Codes that are sold one by one, and their uploads."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Identified, Timestamped, known_values, mutable
from app.common.db import Base
from app.delivery.columns import revocation_constraints


class UploadStatus(StrEnum):
    """RECEIVING: the request is in progress; PROCESSING: a job adds the codes; FAILED: the product
    was deleted."""

    RECEIVING = "RECEIVING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class CodeStatus(StrEnum):
    """SOLD: or reserved for an order whose payment is pending."""

    AVAILABLE = "AVAILABLE"
    SOLD = "SOLD"
    REVOKED = "REVOKED"


class CodeUpload(Identified, Timestamped, Base):
    """A file of codes.

    number: ascending in the order of uploads. total: codes in the file, as far as it was received.
    duplicate_lines: the first of them.
    """

    __tablename__ = "code_uploads"
    __table_args__ = (
        known_values("status", UploadStatus),
        CheckConstraint(
            "added >= 0 AND duplicates >= 0 AND added + duplicates <= total", name="counts_add_up"
        ),
        CheckConstraint(
            "status <> 'COMPLETED' OR added + duplicates = total", name="completed_is_whole"
        ),
        CheckConstraint(
            "(status IN ('COMPLETED', 'FAILED')) = (closed_at IS NOT NULL)", name="closed_has_time"
        ),
        Index("ix_code_uploads_product", "product_id", "id"),
        Index(
            "ix_code_uploads_open",
            "updated_at",
            postgresql_where=text("closed_at IS NULL"),
        ),
        mutable(
            "status",
            "total",
            "added",
            "duplicates",
            "duplicate_lines",
            "closed_at",
            "updated_at",
            deleted=True,
        ),
    )

    number: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    # Checked at the commit, because adding codes must not lock the product before that.
    product_id: Mapped[UUID] = mapped_column(
        ForeignKey("products.id", deferrable=True, initially="DEFERRED")
    )
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str]
    total: Mapped[int]
    added: Mapped[int]
    duplicates: Mapped[int]
    duplicate_lines: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    closed_at: Mapped[datetime | None]


class CodeUploadChunk(Base):
    """Codes of a file that are not on sale yet. encrypted: JSON pairs of line and code."""

    __tablename__ = "code_upload_chunks"
    __table_args__ = (mutable(deleted=True),)

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("code_uploads.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    encrypted: Mapped[bytes] = mapped_column("sealed")


class ProductCode(Identified, Base):
    """A code, which is sold at most once.

    position: codes are sold in this order, that of the uploads and their lines. fingerprint:
    identifies equal codes of a product. encrypted: the encrypted code. taken_at: when it was
    assigned to its order. seen_at: when the buyer first saw it. revoked_at: set when a code is
    revoked that cannot be sold again, because the buyer has seen it or the merchant has revoked it.

    revocation_reason: the merchant's; None if a refund revoked it. is_withdrawn: revoked by the
    merchant and neither refunded nor replaced, so that the buyer has paid for nothing. replaced_by:
    the code that the buyer has instead.
    """

    __tablename__ = "product_codes"
    __table_args__ = (
        CheckConstraint("(order_id IS NULL) = (taken_at IS NULL)", name="taken_for_an_order"),
        CheckConstraint("seen_at IS NULL OR order_id IS NOT NULL", name="seen_by_a_buyer"),
        CheckConstraint(
            "revoked_at IS NULL OR seen_at IS NOT NULL"
            " OR revocation_reason IS NOT NULL AND order_id IS NOT NULL",
            name="revoked_was_seen",
        ),
        *revocation_constraints(),
        Index("uq_product_codes_position", "product_id", "position", unique=True),
        Index("uq_product_codes_fingerprint", "product_id", "fingerprint", unique=True),
        Index(
            "ix_product_codes_free",
            "product_id",
            "position",
            postgresql_where=text("order_id IS NULL"),
        ),
        Index(
            "ix_product_codes_order",
            "order_id",
            "position",
            postgresql_where=text("order_id IS NOT NULL"),
        ),
        # Each sale leaves a dead row at the front of the queue, where the next one starts its scan.
        {
            "postgresql_with": {
                "fillfactor": "90",
                "autovacuum_vacuum_scale_factor": "0.01",
                "autovacuum_vacuum_threshold": "1000",
            }
        }
        | mutable(
            "order_id",
            "taken_at",
            "seen_at",
            "revoked_at",
            "revocation_reason",
            "is_withdrawn",
            "replaced_by",
            deleted=True,
        ),
    )

    product_id: Mapped[UUID] = mapped_column(
        ForeignKey("products.id", deferrable=True, initially="DEFERRED")
    )
    position: Mapped[int]
    fingerprint: Mapped[bytes]
    encrypted: Mapped[bytes] = mapped_column("sealed")
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    taken_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revocation_reason: Mapped[str | None]
    is_withdrawn: Mapped[bool] = mapped_column(server_default="false")
    replaced_by: Mapped[UUID | None] = mapped_column(ForeignKey("product_codes.id"))
