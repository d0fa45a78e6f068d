"""SQL of the images of products."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.common.rows import insert_row
from app.images.models import Image
from app.products.images.models import ProductImage


def list_images(session: Session, product_id: UUID) -> Sequence[ProductImage]:
    """The images of a product in their order."""
    return session.scalars(
        select(ProductImage)
        .where(ProductImage.product_id == product_id)
        .order_by(ProductImage.position)
    ).all()


def insert_image(session: Session, **values: Any) -> None:
    insert_row(session, ProductImage(**values))


def delete_images(session: Session, rows: Iterable[ProductImage]) -> None:
    for row in rows:
        session.delete(row)
    session.flush()


def get_image(session: Session, image_id: UUID) -> Image:
    return session.get_one(Image, image_id)
