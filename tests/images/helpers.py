"""Pictures, and products that show them."""

from functools import cache
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from app.auth import service as auth
from app.common.db import transaction
from app.images import service as images
from app.images.converter import ConvertedSize
from app.images.service import StoredSize
from app.products.images import service as product_images
from app.shops import logos
from tests.factories import Actor

API = "/api/v1"


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@cache
def picture(width: int = 32, height: int = 16, color: str = "teal") -> bytes:
    """A PNG of one colour."""
    return encoded(Image.new("RGB", (width, height), color))


def decoded(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def add(
    client: FlaskClient,
    seller: Actor,
    product_id: Any,
    content: bytes | None = None,
    *,
    media_type: str = "image/png",
    **query: str,
) -> TestResponse:
    return client.post(
        f"{API}/products/{product_id}/images",
        query_string=query,
        data=picture() if content is None else content,
        headers=seller.headers | {"Content-Type": media_type},
    )


def _stored() -> list[StoredSize]:
    """A small image, without the time that a conversion takes."""
    content = encoded(Image.new("RGB", (16, 16)), "WEBP")
    return images.store([ConvertedSize(160, 16, 16, content)])


def with_logo(seller: Actor) -> None:
    """Set a logo of the merchant's shop."""
    sizes = _stored()
    with transaction() as session:
        merchant = auth.require_user(session, seller.id)
        logos.set_logo(session, merchant=merchant, sizes=sizes, source_sha256="0" * 64)


def shown(seller: Actor, product_id: UUID, *, alt: str | None = None) -> UUID:
    """An image of the product."""
    sizes = _stored()
    with transaction() as session:
        image, _ = product_images.add(
            session,
            merchant=auth.require_user(session, seller.id),
            product_id=product_id,
            sizes=sizes,
            alt=alt,
            source_sha256=uuid4().hex * 2,
        )
    return image.id
