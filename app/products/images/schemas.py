"""Schemas of the images of products."""

from typing import Final

from app.common.fields import Schema, Text, WholeNumber
from app.products.images.errors import MAX_IMAGES

_ALT: Final = {
    "description": "What the image shows, for people who cannot see it",
    "example": "The cover of the book: a kingfisher on a branch",
}


class AddImageArgs(Schema):
    alt = Text(max_length=300, metadata=_ALT)


class UpdateProductImageIn(Schema):
    alt = Text(max_length=300, allow_none=True, metadata=_ALT)
    position = WholeNumber(
        minimum=1,
        maximum=MAX_IMAGES,
        metadata={
            "description": "New place among the images of the product, from 1, which is the main"
            " image; the last place if there are fewer",
            "example": 1,
        },
    )
