"""Stored contents."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped

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
