"""HTTP of uploads in parts."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from contextlib import suppress
from functools import partial
from typing import Any, Final
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.db import reading, retry_transaction, transaction
from app.common.errors import (
    BadRequest,
    BodyIncomplete,
    BodyTooLarge,
    BodyTooSlow,
    LengthRequired,
    UnsupportedMediaType,
)
from app.common.http import Blueprint, body_chunks, json_response, settings
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.openapi import path_parameter
from app.common.ratelimit import per_caller
from app.delivery.files import service as files
from app.delivery.files.errors import FileNotFound, NotAFileProduct
from app.delivery.files.headers import file_name, media_type
from app.delivery.files.schemas import ProductFileOut, file_out
from app.delivery.files.uploads import service, tasks
from app.delivery.files.uploads.errors import (
    DigestMismatch,
    PartDiffers,
    PartInvalid,
    PartsMissing,
    UploadNotFound,
)
from app.delivery.files.uploads.models import FileUploadPart
from app.delivery.files.uploads.schemas import (
    CompleteFileUploadIn,
    CreateFileUploadIn,
    FilePartOut,
    FileUploadOut,
    part_out,
    upload_out,
)
from app.delivery.files.uploads.service import Progress
from app.products.errors import ProductNotFound, UnauthorizedProductAccess
from app.storage import service as storage
from app.storage.errors import StorageFull, StorageUnavailable
from app.storage.models import FileContent

blp = Blueprint("file-uploads", __name__, url_prefix="/products", description="Uploads in parts")

#: Files that this process puts together at a time: each occupies a thread and the storage.
_completions: Final = ConcurrencyLimiter(4)

_SHA256: Final = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")
_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_DIGEST: Final = {
    "name": "Content-Digest",
    "description": "SHA-256 of the part (RFC 9530); a part that arrives with another is refused",
    "schema": {"type": "string"},
    "example": "sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:",
}


@blp.post("/<uuid:product_id>/file/upload")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.arguments(CreateFileUploadIn)
@blp.response(200, FileUploadOut)
@blp.alt_response(201, schema=FileUploadOut, success=True)
@blp.errors(
    ProductNotFound,
    UnauthorizedProductAccess,
    NotAFileProduct,
    BodyTooLarge,
    UnsupportedMediaType,
    QuotaExceeded,
)
@per_caller("60/hour")
def create_file_upload(body: dict[str, Any], product_id: UUID) -> Response:
    """Begin or continue an upload in parts

    For files that should not begin again when a connection is lost: send the parts that are
    missing, in any order, then complete the upload. A product has one unfinished upload. Beginning
    it again with the same name, type and size returns it (200) with the parts that were received;
    anything else replaces it (201). What is not completed within a day is deleted.
    """
    if body["size"] > settings().file_max_bytes:
        raise BodyTooLarge(f"The file is larger than {settings().file_max_bytes // 1024**2} MiB")
    begin = partial(
        service.begin,
        product_id=product_id,
        name=file_name(header=None, default=body["name"]),
        media_type=media_type(body["media_type"], allowed=settings().file_types),
        size=body["size"],
    )
    with transaction() as session:
        on_close = partial(tasks.enqueue_deletion, session)
        progress = begin(session, merchant=current_user(session), on_close=on_close)
    return json_response(dump_json(upload_out(progress)), 201 if progress.is_new else 200)


@blp.get("/<uuid:product_id>/file/upload")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.response(200, FileUploadOut)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, UploadNotFound)
def get_file_upload(product_id: UUID) -> Response:
    """Get the unfinished upload of a product

    With the parts that were received.
    """
    with reading() as session:
        progress = service.require_unfinished(
            session, merchant=current_user(session), product_id=product_id
        )
        return json_response(dump_json(upload_out(progress)))


@blp.put(
    "/<uuid:product_id>/file/upload/<uuid:upload_id>/parts/<int:number>",
    parameters=[path_parameter("number", "Number of the part, from 1")],
)
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.response(200, FilePartOut)
@blp.doc(
    requestBody={
        "required": True,
        "content": {"application/octet-stream": _BYTES | {"example": "the bytes of the part"}},
    },
)
@blp.takes_header(_DIGEST)
@blp.errors(
    ProductNotFound,
    UnauthorizedProductAccess,
    UploadNotFound,
    PartInvalid,
    PartDiffers,
    DigestMismatch,
    BodyIncomplete,
    BodyTooSlow,
    BodyTooLarge,
    LengthRequired,
    UnsupportedMediaType,
    StorageFull,
    StorageUnavailable,
)
@per_caller("1200/minute")
def upload_file_part(product_id: UUID, upload_id: UUID, number: int) -> Response:
    """Upload a part of a file

    The body is the part itself: bytes `(number - 1) * partSize` and up of the file, as many as
    `partSize`, or the rest. It needs a Content-Length. Sending a part again has no effect. With
    `Expect: 100-continue`, errors are returned before the body is sent.
    """
    media_type(request.headers.get("Content-Type", ""), allowed=())  # no form that contains it
    expected = _stated_digest()
    where: dict[str, Any] = {"product_id": product_id, "upload_id": upload_id, "number": number}
    with reading() as session:
        known = service.check_part(
            session, merchant=current_user(session), length=request.content_length, **where
        )
    with storage.current().receive(body_chunks(max_bytes=service.PART_BYTES)) as staged:
        if expected not in (None, staged.sha256):
            raise DigestMismatch
        if known is not None:
            if known.sha256 != staged.sha256:
                raise PartDiffers
            return json_response(dump_json(part_out(known)))
        part = FileUploadPart(upload_id=upload_id, number=number, sha256=staged.sha256)
        staged.store(part.storage_key)

    def add(session: Session) -> FileUploadPart:
        # The caller is authenticated again, because a part may outlast their session.
        merchant = current_user(session)
        return service.add_part(session, merchant=merchant, sha256=staged.sha256, **where)

    try:
        added = retry_transaction(add)
    except (PartDiffers, UploadNotFound):
        # Another request was faster, and no row tells of these bytes. Otherwise many requests for
        # one part could leave more behind than the upload was given room for.
        with suppress(StorageUnavailable):  # a job deletes them in a day
            storage.current().delete(part.storage_key)
        raise
    return json_response(dump_json(part_out(added)))


def _stated_digest() -> str | None:
    """The SHA-256 of the body as the client states it, in hexadecimal. Raises BadRequest."""
    header = request.headers.get("Content-Digest")
    stated = _SHA256.search(header or "")
    if stated is None:
        return None
    try:
        return b64decode(stated[1], validate=True).hex()
    except Base64Error as error:
        raise BadRequest(details={"Content-Digest": ["Must be as in RFC 9530."]}) from error


@blp.post("/<uuid:product_id>/file/upload/<uuid:upload_id>/complete")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.arguments(CompleteFileUploadIn)
@blp.response(200, ProductFileOut)
@blp.alt_response(201, schema=ProductFileOut, success=True)
@blp.errors(
    ProductNotFound,
    UnauthorizedProductAccess,
    UploadNotFound,
    PartsMissing,
    FileNotFound,
    DigestMismatch,
    StorageFull,
    StorageUnavailable,
    QuotaExceeded,
)
@per_caller("120/hour")
def complete_file_upload(body: dict[str, Any], product_id: UUID, upload_id: UUID) -> Response:
    """Complete an upload in parts

    Puts the parts together. The first file (201) puts the product on sale. Another file replaces
    it as a new version, which all later downloads return. Each part is compared with its SHA-256
    once more, and the file with `sha256` if that is stated. It takes a few seconds per GiB.
    Completing an upload again has no effect.
    """
    where: dict[str, Any] = {"product_id": product_id, "upload_id": upload_id}
    with reading() as session:
        merchant = current_user(session)
        progress = service.require_upload(session, merchant=merchant, **where)
        if progress.upload.is_complete:
            current = files.require_file(session, merchant=merchant, product_id=product_id)
            return json_response(dump_json(file_out(current)))
    service.require_all_parts(progress)
    content = _put_together(progress, caller=merchant.id, expected=body["sha256"])

    def complete(session: Session) -> files.CurrentFile:
        return service.complete(
            session,
            merchant=current_user(session),
            content=content,
            on_close=partial(tasks.enqueue_deletion, session),
            **where,
        )

    current = retry_transaction(complete)
    return json_response(dump_json(file_out(current)), 201 if current.is_new else 200)


def _put_together(progress: Progress, *, caller: UUID, expected: str | None) -> FileContent:
    """Store all parts as one content, without holding a database connection. Returns its row.

    Raises Unavailable if too many files are being put together, DigestMismatch, StorageFull,
    StorageUnavailable.
    """
    release = _completions.acquire(caller)
    try:
        with storage.current().receive(service.read_parts(progress)) as staged:
            if expected not in (None, staged.sha256):
                raise DigestMismatch
            content = retry_transaction(
                partial(storage.register_content, sha256=staged.sha256, size=staged.size)
            )
            staged.store(content.storage_key)
    finally:
        release()
    return content


@blp.delete("/<uuid:product_id>/file/upload/<uuid:upload_id>")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@idempotent(blp)
@blp.response(204)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, UploadNotFound)
def delete_file_upload(product_id: UUID, upload_id: UUID) -> None:
    """Delete an unfinished upload

    With the parts that were received.
    """
    with transaction() as session:
        service.delete(
            session,
            merchant=current_user(session),
            product_id=product_id,
            upload_id=upload_id,
            on_close=partial(tasks.enqueue_deletion, session),
        )
