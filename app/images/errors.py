"""Errors of images."""

from typing import Final, Self

from app.common.errors import BadRequest, NotFound
from app.images.limits import MAX_MEGAPIXELS, Problem

_MESSAGES: Final = {
    Problem.UNREADABLE: "The file is damaged, or not an image of the type JPEG, PNG or WebP",
    Problem.TOO_LARGE: f"The image has more than {MAX_MEGAPIXELS} megapixels",
    Problem.ANIMATED: "Animated images are not supported; upload a single picture",
}


class ImageInvalid(BadRequest):
    code = "IMAGE_INVALID"
    message = "The image cannot be used"

    def __init__(self, problem: Problem = Problem.UNREADABLE) -> None:
        super().__init__(_MESSAGES[problem], details={"problem": problem.value})

    @classmethod
    def example(cls) -> Self:
        return cls(Problem.TOO_LARGE)


class ImageNotFound(NotFound):
    code = "IMAGE_NOT_FOUND"
    message = "Image not found"
