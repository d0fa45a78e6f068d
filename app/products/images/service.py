"""The images of products, as their merchants manage them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.images import service as images
from app.images.errors import ImageNotFound
from app.images.service import ShownImage, StoredSize
from app.products import service as products
from app.products.errors import UnauthorizedProductAccess
from app.products.images import repository
from app.products.images.errors import MAX_IMAGES, TooManyImages
from app.products.images.models import ProductImage
from app.products.models import Product


def require_own(session: Session, *, merchant: User, product_id: UUID) -> Product:
    """The merchant's product, not locked. Raises ProductNotFound, UnauthorizedProductAccess."""
    product = products.require_product(session, product_id=product_id).product
    if product.merchant_id != merchant.id:
        raise UnauthorizedProductAccess
    return product


def already_uploaded(
    session: Session, *, merchant: User, product_id: UUID, source_sha256: str
) -> ShownImage | None:
    """The image of the merchant's product that was made from this file, or None.

    If there is none, the product has room for it. source_sha256: of the file, in hexadecimal.
    Raises ProductNotFound, UnauthorizedProductAccess, TooManyImages.
    """
    product = require_own(session, merchant=merchant, product_id=product_id)
    return _find(session, product, merchant, source_sha256)


def _find(
    session: Session, product: Product, merchant: User, source_sha256: str
) -> ShownImage | None:
    rows = repository.list_images(session, product.id)
    for row in rows:
        if row.source_sha256 == source_sha256:
            return _shown(session, product, merchant, row.image_id)
    if len(rows) >= MAX_IMAGES:
        raise TooManyImages
    return None


def _shown(session: Session, product: Product, merchant: User, image_id: UUID) -> ShownImage:
    offer = products.show(session, product, merchant)
    return next(image for image in offer.images if image.id == image_id)


def add(
    session: Session,
    *,
    merchant: User,
    product_id: UUID,
    sizes: Sequence[StoredSize],
    alt: str | None,
    source_sha256: str,
) -> tuple[ShownImage, bool]:
    """Add an image to the merchant's product, as its last one, and say whether it is new.

    Raises ProductNotFound, UnauthorizedProductAccess, TooManyImages, QuotaExceeded, and Unavailable
    if its bytes were removed in the meantime.
    """
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    if found := _find(session, product, merchant, source_sha256):
        return found, False
    image = images.add(session, merchant=merchant, sizes=sizes, alt=alt)
    rows = repository.list_images(session, product.id)
    repository.insert_image(
        session,
        image_id=image.id,
        product_id=product.id,
        position=len(rows) + 1,
        source_sha256=source_sha256,
    )
    products.touch(session, product)
    return _shown(session, product, merchant, image.id), True


def update(
    session: Session, *, merchant: User, product_id: UUID, image_id: UUID, **changes: Any
) -> ShownImage:
    """Update alt or position of an image. position: from 1; the last if there are fewer.

    Raises ProductNotFound, UnauthorizedProductAccess, ImageNotFound.
    """
    product, rows, changed = _require(session, merchant, product_id, image_id)
    if "alt" in changes:
        repository.get_image(session, image_id).alt = changes["alt"]
    if "position" in changes:
        rows.remove(changed)
        rows.insert(changes["position"] - 1, changed)
        _number(rows)
    products.touch(session, product)
    return _shown(session, product, merchant, image_id)


def delete(session: Session, *, merchant: User, product_id: UUID, image_id: UUID) -> None:
    """Delete an image of the merchant's product.

    Raises ProductNotFound, UnauthorizedProductAccess, ImageNotFound.
    """
    product, rows, deleted = _require(session, merchant, product_id, image_id)
    rows.remove(deleted)
    repository.delete_images(session, [deleted])
    images.retire(session, [image_id])
    _number(rows)
    products.touch(session, product)


def discard(session: Session, product: Product) -> None:
    """Delete all images of a deleted product."""
    rows = repository.list_images(session, product.id)
    if rows:
        images.retire(session, [row.image_id for row in rows])
        repository.delete_images(session, rows)


def _require(
    session: Session, merchant: User, product_id: UUID, image_id: UUID
) -> tuple[Product, list[ProductImage], ProductImage]:
    """The merchant's product, locked, its images in their order, and one of these."""
    product = products.require_own(session, merchant=merchant, product_id=product_id)
    rows = list(repository.list_images(session, product_id))
    for row in rows:
        if row.image_id == image_id:
            return product, rows, row
    raise ImageNotFound


def _number(rows: Sequence[ProductImage]) -> None:
    for position, row in enumerate(rows, 1):
        row.position = position
