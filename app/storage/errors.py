"""Errors of stored content."""

from app.common.errors import AppError, BadRequest, Unavailable


class FileEmpty(BadRequest):
    code = "FILE_EMPTY"
    message = "The file is empty"


class StorageFull(AppError):
    """Nothing was stored."""

    status = 507
    code = "STORAGE_FULL"
    message = "The file storage is full"
    cacheable = False


class StorageUnavailable(Unavailable):
    code = "STORAGE_AWAY"
    message = "The file storage is not available. Please try again."


class ContentMissing(AppError):
    """A bug, or a lost disk: the bytes of a file are not in the storage."""
