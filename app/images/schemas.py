"""Schemas of images."""

from typing import Any

import marshmallow as ma

from app.common.fields import Schema, serializes
from app.images.limits import SIDES
from app.images.service import ShownImage


class ImageSizeOut(Schema):
    """An image in one size, as WebP."""

    url = ma.fields.URL(
        required=True,
        metadata={
            "description": "Where to get it, without signing in; it never changes",
            "example": "https://shop.example.com/api/v1/images/"
            "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11/640.webp",
        },
    )
    width = ma.fields.Integer(
        required=True, metadata={"description": "Width in pixels", "example": 640}
    )
    height = ma.fields.Integer(
        required=True, metadata={"description": "Height in pixels", "example": 480}
    )
    bytes = ma.fields.Integer(
        required=True, metadata={"description": "Size in bytes", "example": 48_213}
    )


class ImageOut(Schema):
    id = ma.fields.UUID(required=True)
    alt = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "What the image shows, for people who cannot see it",
            "example": "The cover of the book: a kingfisher on a branch",
        },
    )
    sizes = ma.fields.List(
        ma.fields.Nested(ImageSizeOut),
        required=True,
        metadata={
            "description": "The smallest first. The longer side has at most"
            f" {', '.join(map(str, SIDES))} pixels; an image is never enlarged"
        },
    )


@serializes(ImageOut)
def image_out(image: ShownImage, *, base_url: str) -> dict[str, Any]:
    """Serialized as ImageOut. base_url: of the API."""
    return {
        "id": image.id,
        "alt": image.alt,
        "sizes": [
            {
                "url": f"{base_url}/images/{image.id}/{size.side}.webp",
                "width": size.width,
                "height": size.height,
                "bytes": size.bytes,
            }
            for size in image.sizes
        ],
    }
