"""Errors of the images of products."""

from typing import Final

from app.common.errors import Conflict

MAX_IMAGES: Final = 8


class TooManyImages(Conflict):
    code = "TOO_MANY_IMAGES"
    message = "The product has as many images as it can have; delete one first"
