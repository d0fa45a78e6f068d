"""Errors of codes and their uploads."""

from collections.abc import Mapping
from typing import Self

from app.common.errors import BadRequest, Conflict, NotFound


class ProductHasNoCodes(BadRequest):
    code = "PRODUCT_HAS_NO_CODES"
    message = "Only products of the kind CODES can have codes"


class CodesInvalid(BadRequest):
    """problems: messages by line of the file. They do not contain the code."""

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


class UploadTimedOut(Conflict):
    code = "UPLOAD_TOO_SLOW"
    message = "The upload was cancelled because no data was received for an hour"


class UploadNotFound(NotFound):
    code = "UPLOAD_NOT_FOUND"
    message = "Upload not found"


class CodeNotFound(NotFound):
    code = "CODE_NOT_FOUND"
    message = "Code not found"


class CodeSold(Conflict):
    code = "CODE_SOLD"
    message = "This code has been sold or is reserved for an order"


class CodeNotSold(Conflict):
    code = "CODE_NOT_SOLD"
    message = "This code has not been sold"


class CodeRevoked(Conflict):
    code = "CODE_REVOKED"
    message = "This code was revoked"


class NoCodeLeft(Conflict):
    code = "NO_CODE_LEFT"
    message = "This product has no unsold code left: upload codes first"
