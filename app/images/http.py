"""Receiving images over HTTP."""

from typing import Any, Final

from flask import request

from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.errors import (
    BodyIncomplete,
    BodyTooLarge,
    BodyTooSlow,
    LengthRequired,
    UnsupportedMediaType,
)
from app.common.http import body_chunks
from app.common.middleware import caller_or_address
from app.images import converter, service
from app.images.errors import ImageInvalid
from app.images.limits import ACCEPTED, MAX_BYTES
from app.images.service import StoredSize
from app.storage.errors import FileEmpty, StorageFull, StorageUnavailable

_BYTES: Final = {
    "schema": {"type": "string", "format": "binary"},
    "example": "the bytes of the image",
}
#: What the OpenAPI document says about the body of an upload.
IMAGE_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": dict.fromkeys(ACCEPTED, _BYTES),
}
UPLOAD_ERRORS: Final = (
    ImageInvalid,
    FileEmpty,
    BodyIncomplete,
    BodyTooSlow,
    BodyTooLarge,
    LengthRequired,
    UnsupportedMediaType,
    StorageFull,
    StorageUnavailable,
)

#: Images that this process converts at a time, or that wait for it: others need the threads, too.
_uploads: Final = ConcurrencyLimiter(8, per_caller=4)


def receive_image() -> bytes:
    """The body of the request. Raises UPLOAD_ERRORS."""
    if request.mimetype not in ACCEPTED:
        raise UnsupportedMediaType(f"Send the image itself, as {', '.join(ACCEPTED)}")
    body = b"".join(body_chunks(max_bytes=MAX_BYTES))
    if not body:
        raise FileEmpty
    return body


def store_image(body: bytes) -> list[StoredSize]:
    """Convert an image and store its sizes. Raises UPLOAD_ERRORS, Unavailable."""
    release = _uploads.acquire(caller_or_address())
    try:
        return service.store(converter.convert(body))
    finally:
        release()
