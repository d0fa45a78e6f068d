"""HTTP of downloads. Files are streamed without holding a database connection."""

from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from flask import Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common import metrics
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.db import reading, retry_transaction, transaction
from app.common.errors import AppError
from app.common.http import Blueprint
from app.common.idempotent import idempotent
from app.common.openapi import path_parameter
from app.delivery.files.downloads import service
from app.delivery.files.downloads.ranges import parse_range
from app.delivery.files.downloads.service import Download
from app.delivery.files.errors import (
    DeliveryNotFound,
    DeliveryRevoked,
    DownloadLimitReached,
    DownloadRevoked,
    LinkExpired,
    LinkInvalid,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from app.delivery.files.headers import attachment
from app.delivery.files.schemas import DownloadAllowanceOut
from app.storage import service as storage
from app.storage.errors import StorageUnavailable
from app.storage.interface import ContentStream

DOWNLOADS: Final = metrics.counter(
    "payment_flow_downloads_total",
    "Downloads of files: begun (counted for their order), or resumed over the same link",
    "outcome",
)
BYTES: Final = metrics.counter("payment_flow_download_bytes_total", "Bytes of files that were sent")
for _outcome in ("begun", "resumed"):  # A rate needs the zero before the first one.
    DOWNLOADS.labels(_outcome)

#: Long requests of this process, so that they leave threads for the others. Several per order,
#: because download managers open several connections to one link.
_downloads: Final = ConcurrencyLimiter(16, per_caller=4)

_log = structlog.get_logger()

blp = Blueprint("downloads", __name__, url_prefix="", description="Downloads of purchased files")

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_RANGE: Final = {
    "name": "Range",
    "description": "One range of the file (RFC 9110); multiple ranges return the full file",
    "schema": {"type": "string"},
    "example": "bytes=1048576-",
}
_IF_RANGE: Final = {
    "name": "If-Range",
    "description": "The `ETag` of the partial download; if the file has changed, all of it is sent",
    "schema": {"type": "string"},
    "example": '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
}
_RESPONSE_HEADERS: Final = {
    "Accept-Ranges": {"description": "`bytes`", "schema": {"type": "string"}},
    "ETag": {"description": "SHA-256 hash of the file", "schema": {"type": "string"}},
    "Content-Disposition": {"description": "Name of the file", "schema": {"type": "string"}},
}


@blp.post("/orders/<uuid:order_id>/downloads/reset")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@idempotent(blp)
@blp.response(200, DownloadAllowanceOut)
@blp.errors(DeliveryNotFound, DeliveryRevoked)
def reset_downloads(order_id: UUID) -> dict[str, int]:
    """Reset the downloads of an order

    The buyer can download as often as at first, regardless of earlier downloads.
    """
    with transaction() as session:
        left = service.reset_downloads(session, merchant=current_user(session), order_id=order_id)
    return {"downloads_left": left}


@blp.get(
    "/downloads/<string:download_token>",
    parameters=[path_parameter("download_token", "Token of the download link")],
)
@blp.response(200, headers=_RESPONSE_HEADERS)
@blp.alt_response(206, description="The requested range", success=True, headers=_RESPONSE_HEADERS)
@blp.alt_response(304, description="Not modified since the given ETag", success=True)
@blp.doc(responses={code: {"content": {"*/*": _BYTES}} for code in (200, 206)})
@blp.takes_header(_RANGE)
@blp.takes_header(_IF_RANGE)
@blp.errors(
    LinkInvalid,
    LinkExpired,
    DownloadRevoked,
    DownloadLimitReached,
    PreconditionFailed,
    RangeNotSatisfiable,
    StorageUnavailable,
)
@blp.doc(**{"x-caller": "holder of the link"})
def download_file(download_token: str) -> Response:
    """Download a purchased file

    Uses a link from the delivery of an order and needs no sign-in. The first use of a link counts
    as one download of the order. An interrupted download can be resumed with `Range` while the
    link is valid, and is not counted again. A link transfers at most three times the file's size.
    """
    with reading() as session:
        download = service.resolve_link(session, token=download_token)
    if _is_not_modified(download):
        return Response(status=304, headers=_headers(download))
    if request.method == "HEAD":
        with reading() as session:
            service.require_downloads_left(session, download=download)
        return _response(download)
    return _stream(download, _requested_range(download))


def _is_not_modified(download: Download) -> bool:
    """Whether the client has the file. Raises PreconditionFailed (RFC 9110, 13.2.2)."""
    if "If-Match" in request.headers and not request.if_match.contains(download.sha256):
        raise PreconditionFailed
    if "If-None-Match" not in request.headers:
        return False
    return bool(request.if_none_match.contains_weak(download.sha256))


def _requested_range(download: Download) -> tuple[int, int] | None:
    # A date in If-Range never matches, because files have no Last-Modified.
    if request.headers.get("If-Range", download.etag).strip() != download.etag:
        return None
    return parse_range(request.headers.get("Range"), size=download.size)


def _response(download: Download, part: tuple[int, int] | None = None) -> Response:
    """A response without its body."""
    start, end = part or (0, download.size)
    response = Response(status=206 if part else 200, headers=_headers(download))
    response.headers["Content-Type"] = download.media_type
    response.headers["Content-Length"] = str(end - start)
    response.headers["Content-Disposition"] = attachment(download.name)
    if part:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{download.size}"
    return response


def _headers(download: Download) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "ETag": download.etag,
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        # If a browser displays the file after all, it runs nothing and has no origin.
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    }


def _stream(download: Download, part: tuple[int, int] | None) -> Response:
    start, end = part or (0, download.size)
    response = _response(download, part)
    release = _downloads.acquire(download.link.order_id)
    try:
        content = _open(download, start, end)
    except BaseException:
        release()
        raise
    response.response = content
    response.call_on_close(partial(_finish, download, content, end - start, release))
    return response


def _open(download: Download, start: int, end: int) -> ContentStream:
    """Count the bytes, then open the content, which must happen outside of a transaction."""
    count = partial(service.start, download=download, length=end - start)
    is_first = retry_transaction(count)
    try:
        content = storage.current().open(download.storage_key, start=start, end=end)
    except BaseException:
        _restore_bytes(download, end - start)
        raise
    DOWNLOADS.labels("begun" if is_first else "resumed").inc()
    return content


def _finish(
    download: Download, content: ContentStream, length: int, release: Callable[[], None]
) -> None:
    """Called when the response is complete or was interrupted."""
    release()
    content.close()
    BYTES.inc(length - content.remaining)
    if content.remaining:
        _restore_bytes(download, content.remaining)


def _restore_bytes(download: Download, length: int) -> None:
    try:
        retry_transaction(partial(service.restore_bytes, download=download, length=length))
    except (AppError, DBAPIError, PoolTimeout) as error:
        # They stay counted: there is no client left to notify, and a link has some to spare.
        _log.warning("bytes not restored", length=length, error=type(error).__name__)
