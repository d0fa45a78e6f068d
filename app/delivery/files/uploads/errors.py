"""Errors of uploads in parts."""

from app.common.errors import BadRequest, Conflict, NotFound


class UploadNotFound(NotFound):
    code = "FILE_UPLOAD_NOT_FOUND"
    message = "This upload does not exist or is over; begin it again"


class PartInvalid(BadRequest):
    code = "FILE_PART_INVALID"
    message = "The upload has no part of this number and size"


class PartDiffers(Conflict):
    code = "FILE_PART_DIFFERS"
    message = "This part was received with other bytes; delete the upload and begin it again"


class PartsMissing(Conflict):
    code = "FILE_PARTS_MISSING"
    message = "Parts of the file are missing"

    def __init__(self, *, missing: int = 0) -> None:
        super().__init__(details={"missing": missing})


class DigestMismatch(BadRequest):
    code = "DIGEST_MISMATCH"
    message = "The bytes that were received do not have the digest that was sent"
