"""How handling codes can be refused."""

from collections.abc import Mapping
from typing import Self

from app.common.errors import BadRequest, Conflict, NotFound


class ProductHasNoCodes(BadRequest):
    code = "PRODUCT_HAS_NO_CODES"
    message = "Only products of the kind CODES take codes"


class CodesInvalid(BadRequest):
    """problems: what is wrong, by line of the file. What a line says is not repeated."""

    code = "CODES_INVALID"
    message = "No code was added"

    def __init__(self, problems: Mapping[str, str]) -> None:
        where, what = next(iter(problems.items()))
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(
            f"No code was added: {where}: {what}{more}",
            details={where: [what] for where, what in problems.items()},
        )

    @classmethod
    def example(cls) -> Self:
        return cls({"line 3": "longer than 500 characters"})


class UploadTooSlow(Conflict):
    code = "UPLOAD_TOO_SLOW"
    message = "Nothing came for an hour, so the upload was given up"


class UploadNotFound(NotFound):
    code = "UPLOAD_NOT_FOUND"
    message = "Upload not found"


class CodeNotFound(NotFound):
    code = "CODE_NOT_FOUND"
    message = "Code not found"


class CodeSold(Conflict):
    code = "CODE_SOLD"
    message = "The code was sold, or is set aside for an order"
