"""Files over HTTP: a body that is kept, and an answer that is sent piece by piece.

Neither holds a connection of the database while bytes are on their way, nor more of them in
memory than a piece.
"""

from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from flask import Response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.common import metrics
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.db import reading, retry_transaction
from app.common.errors import AppError, BadRequest, UnsupportedMediaType
from app.common.http import body_pieces, settings
from app.delivery.files import downloads, service, storage
from app.delivery.files.contents import Content
from app.delivery.files.downloads import Parcel
from app.delivery.files.errors import PreconditionFailed
from app.delivery.files.names import attachment, file_name, media_type
from app.delivery.files.ranges import asked_for

DOWNLOADS: Final = metrics.counter(
    "payment_flow_downloads_total",
    "Downloads of files: begun (counted for their order), or resumed over the same link",
    "outcome",
)
BYTES: Final = metrics.counter("payment_flow_download_bytes_total", "Bytes of files that were sent")
for _outcome in ("begun", "resumed"):  # a rate needs the zero before the first one
    DOWNLOADS.labels(_outcome)

#: Long requests under way in this process, of its many threads. A link can be used by several
#: connections at once, as programs do that download faster so.
_uploads: Final = ConcurrencyLimiter(4, per_caller=2)
_downloads: Final = ConcurrencyLimiter(16, per_caller=4)

_log = structlog.get_logger()


def label(given: str | None) -> dict[str, Any]:
    """Name and media type of the file that the body is. given: the name if no header says it.

    Raises BadRequest, UnsupportedMediaType.
    """
    _require_whole()
    return {
        "name": file_name(header=request.headers.get("Content-Disposition"), given=given),
        "media_type": media_type(
            request.headers.get("Content-Type", ""), allowed=settings().file_types
        ),
    }


def _require_whole() -> None:
    """Refuse a part of a file (RFC 9110, 14.5), and one that is wrapped for the way (8.4)."""
    if "Content-Range" in request.headers:
        raise BadRequest(details={"Content-Range": ["Send all of the file."]})
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the file as it is, without Content-Encoding")


def keep_body(uploader_id: UUID) -> UUID:
    """Keep the body of the request; the id of its content.

    Raises Unavailable when too many upload at the moment, LengthRequired, BodyTooLarge,
    BodyIncomplete, FileEmpty, StorageFull, StorageAway. Nothing is kept then.
    """
    release = _uploads.acquire(uploader_id)
    try:
        with storage.current().receive(body_pieces(max_bytes=settings().file_max_bytes)) as draft:
            content = retry_transaction(
                partial(service.claim, sha256=draft.sha256, size=draft.size)
            )
            draft.keep(content.place)
    finally:
        release()
    return content.id


def send(token: str) -> Response:
    """What the link leads to, or the part of it that is asked for.

    Raises what `downloads.behind` and `downloads.begin` raise, PreconditionFailed,
    RangeNotSatisfiable, ContentMissing, StorageAway.
    """
    with reading() as session:
        parcel = downloads.behind(session, token=token)
    if _is_known(parcel):
        return Response(status=304, headers=_headers(parcel))
    if request.method == "HEAD":
        with reading() as session:
            downloads.require_left(session, parcel=parcel)
        return _answer(parcel)
    part = _asked_for(parcel)
    start, end = part or (0, parcel.size)
    response = _answer(parcel, part)
    release = _downloads.acquire(parcel.link.order_id)
    try:
        content = _open(parcel, start, end)
    except BaseException:
        release()
        raise
    response.response = content
    response.call_on_close(partial(_finish, parcel, content, end - start, release))
    return response


def _is_known(parcel: Parcel) -> bool:
    """Whether the caller has the file already. Raises PreconditionFailed (RFC 9110, 13.2.2)."""
    if "If-Match" in request.headers and not request.if_match.contains(parcel.sha256):
        raise PreconditionFailed
    if "If-None-Match" not in request.headers:
        return False
    return bool(request.if_none_match.contains_weak(parcel.sha256))


def _asked_for(parcel: Parcel) -> tuple[int, int] | None:
    # A date in If-Range is never that of the file, which has none.
    if request.headers.get("If-Range", parcel.etag).strip() != parcel.etag:
        return None
    return asked_for(request.headers.get("Range"), size=parcel.size)


def _answer(parcel: Parcel, part: tuple[int, int] | None = None) -> Response:
    """An answer without its bytes yet."""
    start, end = part or (0, parcel.size)
    response = Response(status=206 if part else 200, headers=_headers(parcel))
    response.headers["Content-Type"] = parcel.media_type
    response.headers["Content-Length"] = str(end - start)
    response.headers["Content-Disposition"] = attachment(parcel.name)
    if part:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{parcel.size}"
    return response


def _headers(parcel: Parcel) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "ETag": parcel.etag,
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        # Should a browser ever show it all the same, it runs nothing and belongs to nobody.
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    }


def _open(parcel: Parcel, start: int, end: int) -> Content:
    """Count the bytes, then reach for them: what is asked of a storage happens outside of
    transactions.
    """
    count = partial(downloads.begin, parcel=parcel, length=end - start)
    is_first = retry_transaction(count)
    try:
        content = storage.current().open(parcel.place, start=start, end=end)
    except BaseException:
        _give_back(parcel, end - start)
        raise
    DOWNLOADS.labels("begun" if is_first else "resumed").inc()
    return content


def _finish(parcel: Parcel, content: Content, length: int, release: Any) -> None:
    """However it ended: sent, broken off by the caller, or by us."""
    release()
    content.close()
    BYTES.inc(length - content.left)
    if content.left:
        _give_back(parcel, content.left)


def _give_back(parcel: Parcel, length: int) -> None:
    try:
        retry_transaction(partial(downloads.give_back, parcel=parcel, length=length))
    except (AppError, DBAPIError, PoolTimeout) as error:
        # They stay counted: there is nobody left to tell, and a link has some to spare.
        _log.warning("bytes not given back", length=length, error=type(error).__name__)
