"""Categories of products."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped

from app.common.columns import Identified, Timestamped, mutable
from app.common.db import Base


class Category(Identified, Timestamped, Base):
    """A category of the catalogue, which administrators manage.

    slug: its name in URLs, which does not change. Products of a deleted category have none.
    """

    __tablename__ = "categories"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_format"),
        Index(
            "uq_categories_slug",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_categories_name", "name", "id", postgresql_where=text("deleted_at IS NULL")),
        mutable("name", "deleted_at", "updated_at"),
    )

    slug: Mapped[str]
    name: Mapped[str]
    deleted_at: Mapped[datetime | None]
