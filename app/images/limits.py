"""Which images are accepted, and what is made of them.

Without imports of the application, because the process that converts an image starts anew each
time.
"""

from enum import StrEnum
from typing import Final

#: The sizes of an image, by its longer side in pixels. An image is never enlarged.
SIDES: Final = (160, 640, 1600)
MEDIA_TYPE: Final = "image/webp"

#: Media types that can be uploaded.
ACCEPTED: Final = ("image/jpeg", "image/png", "image/webp")
MAX_BYTES: Final = 10 * 1024**2
#: More than the cameras of phones have by default.
MAX_MEGAPIXELS: Final = 25


class Problem(StrEnum):
    """Why an image is refused."""

    UNREADABLE = "UNREADABLE"
    TOO_LARGE = "TOO_LARGE"
    ANIMATED = "ANIMATED"
