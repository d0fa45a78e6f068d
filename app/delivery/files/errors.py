"""How uploading and downloading can be refused."""

from typing import Self

from app.common.errors import AppError, BadRequest, Conflict, Forbidden, NotFound, Unavailable


class NotAFileProduct(BadRequest):
    code = "NOT_A_FILE_PRODUCT"
    message = "Only products of the kind FILE have a file"


class FileEmpty(BadRequest):
    code = "FILE_EMPTY"
    message = "The file is empty"


class FileNotFound(NotFound):
    code = "FILE_NOT_FOUND"
    message = "This product has no file yet"


class FileSold(Conflict):
    code = "FILE_SOLD"
    message = "It was sold, so its buyers may download it: upload another in its place"


class StorageFull(AppError):
    """Nothing was kept."""

    status = 507
    code = "STORAGE_FULL"
    message = "There is no room for this file at the moment"
    cacheable = False


class StorageAway(Unavailable):
    code = "STORAGE_AWAY"
    message = "Files cannot be reached at the moment. Please try again."


class ContentMissing(AppError):
    """A bug, or a lost disk: what a file names is not stored."""


class DeliveryNotFound(NotFound):
    code = "DELIVERY_NOT_FOUND"
    message = "No file was delivered for this order"


class DeliveryTakenBack(Conflict):
    code = "DELIVERY_TAKEN_BACK"
    message = "The file of this order was taken back"


class LinkInvalid(NotFound):
    code = "DOWNLOAD_LINK_INVALID"
    message = "This link leads nowhere"


class Gone(AppError):
    status = 410
    code = "GONE"
    message = "It is not there any more"


class LinkExpired(Gone):
    code = "DOWNLOAD_LINK_EXPIRED"
    message = "This link has expired; look at the delivery of the order for a new one"


class DownloadRevoked(Gone):
    code = "DOWNLOAD_REVOKED"
    message = "This file cannot be downloaded any more"


class DownloadLimitReached(Forbidden):
    code = "DOWNLOAD_LIMIT_REACHED"
    message = "This order has been downloaded as often as it may be"


class PreconditionFailed(AppError):
    status = 412
    code = "PRECONDITION_FAILED"
    message = "The file is not the one that If-Match names"


class RangeNotSatisfiable(AppError):
    status = 416
    code = "RANGE_NOT_SATISFIABLE"
    message = "The range begins behind the end of the file"

    def __init__(self, *, size: int = 0) -> None:
        super().__init__(details={"size": size}, headers={"Content-Range": f"bytes */{size}"})

    @classmethod
    def example(cls) -> Self:
        return cls(size=1_048_576)
