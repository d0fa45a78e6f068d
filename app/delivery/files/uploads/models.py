"""Uploads of files in parts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, mutable
from app.common.db import Base
from app.storage.interface import staged_key


class FileUpload(Identified, Created, Base):
    """A file that is received in parts of `part_size` bytes, of which the last may be smaller.

    size: of the whole file, in bytes. closed_at: when it was completed, deleted or replaced by
    another one; is_complete: whether it was completed.
    """

    __tablename__ = "file_uploads"
    __table_args__ = (
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint("part_size > 0", name="part_size_positive"),
        CheckConstraint("closed_at IS NOT NULL OR NOT is_complete", name="complete_is_closed"),
        Index(
            "uq_file_uploads_unfinished",
            "product_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        mutable("closed_at", "is_complete", deleted=True),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    part_size: Mapped[int]
    closed_at: Mapped[datetime | None]
    is_complete: Mapped[bool]

    @property
    def part_count(self) -> int:
        return -(-self.size // self.part_size)

    def size_of(self, number: int) -> int:
        """The bytes of a part. number: from 1 to part_count."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)


class FileUploadPart(Base):
    """A part that is stored. sha256: of its bytes, hexadecimal."""

    __tablename__ = "file_upload_parts"
    __table_args__ = (
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_hex"),
    )

    upload_id: Mapped[UUID] = mapped_column(
        ForeignKey("file_uploads.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str]

    @property
    def storage_key(self) -> str:
        return staged_key(f"{self.upload_id.hex}.{self.number}.{self.sha256}")
