"""Errors of uploads and downloads."""

from typing import Self

from app.common.errors import AppError, BadRequest, Conflict, Forbidden, NotFound


class NotAFileProduct(BadRequest):
    code = "NOT_A_FILE_PRODUCT"
    message = "Only products of the kind FILE can have a file"


class FileNotFound(NotFound):
    code = "FILE_NOT_FOUND"
    message = "This product has no file yet"


class FileSold(Conflict):
    code = "FILE_SOLD"
    message = "This file has been sold and cannot be deleted; upload a new version instead"


class DeliveryNotFound(NotFound):
    code = "DELIVERY_NOT_FOUND"
    message = "No file was delivered for this order"


class DeliveryRevoked(Conflict):
    code = "DELIVERY_TAKEN_BACK"
    message = "The file of this order has been revoked"


class LinkInvalid(NotFound):
    code = "DOWNLOAD_LINK_INVALID"
    message = "This download link is not valid"


class Gone(AppError):
    status = 410
    code = "GONE"
    message = "No longer available"


class LinkExpired(Gone):
    code = "DOWNLOAD_LINK_EXPIRED"
    message = "This download link has expired; get a new one from the delivery of the order"


class DownloadRevoked(Gone):
    code = "DOWNLOAD_REVOKED"
    message = "This file can no longer be downloaded"


class DownloadLimitReached(Forbidden):
    code = "DOWNLOAD_LIMIT_REACHED"
    message = "This order has reached its download limit"


class PreconditionFailed(AppError):
    status = 412
    code = "PRECONDITION_FAILED"
    message = "The file does not match If-Match"


class RangeNotSatisfiable(AppError):
    status = 416
    code = "RANGE_NOT_SATISFIABLE"
    message = "The range starts beyond the end of the file"

    def __init__(self, *, size: int = 0) -> None:
        super().__init__(details={"size": size}, headers={"Content-Range": f"bytes */{size}"})

    @classmethod
    def example(cls) -> Self:
        return cls(size=1_048_576)
