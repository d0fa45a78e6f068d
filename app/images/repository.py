"""SQL of images."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.orm import Session

from app.common.rows import insert_row
from app.images.models import Image, ImageSize
from app.storage.models import FileContent


def insert_image(session: Session, **values: Any) -> Image:
    return insert_row(session, Image(**values))


def insert_sizes(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(insert(ImageSize), rows)


def get_image(session: Session, image_id: UUID) -> Image:
    return session.get_one(Image, image_id)


def list_sizes(session: Session, image_id: UUID) -> Sequence[ImageSize]:
    """The sizes of an image, the smallest first."""
    query = select(ImageSize).where(ImageSize.image_id == image_id)
    return session.scalars(query.order_by(ImageSize.side)).all()


def get_content(session: Session, *, image_id: UUID, side: int) -> FileContent | None:
    """The content of an image that is not retired."""
    return session.scalars(
        select(FileContent)
        .join(ImageSize, ImageSize.content_id == FileContent.id)
        .join(Image, Image.id == ImageSize.image_id)
        .where(ImageSize.image_id == image_id, ImageSize.side == side, Image.retired_at.is_(None))
    ).one_or_none()


def retire(session: Session, image_ids: Collection[UUID], *, now: datetime) -> None:
    session.execute(
        update(Image)
        .where(Image.id.in_(image_ids), Image.retired_at.is_(None))
        .values(retired_at=func.greatest(now, Image.created_at))
        .execution_options(synchronize_session=False)
    )


def get_content_ids(session: Session, image_ids: Collection[UUID]) -> Sequence[UUID]:
    """The contents of these images, in the order of their ids."""
    query = select(ImageSize.content_id).where(ImageSize.image_id.in_(image_ids)).distinct()
    return session.scalars(query.order_by(ImageSize.content_id)).all()


def count_bytes(session: Session, *, merchant_id: UUID, retired_since: datetime | None) -> int:
    """The bytes of the merchant's images. retired_since: count those retired since then, too."""
    counted: ColumnElement[bool] = Image.retired_at.is_(None)
    if retired_since is not None:
        counted = or_(counted, Image.retired_at >= retired_since)
    query = select(func.coalesce(func.sum(Image.bytes), 0))
    return int(session.scalar(query.where(Image.merchant_id == merchant_id, counted)) or 0)
