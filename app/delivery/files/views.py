"""HTTP of the files of products."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
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
from app.common.ratelimit import per_caller
from app.delivery.files import service
from app.delivery.files.errors import (
    FileNotFound,
    FileSold,
    NotAFileProduct,
)
from app.delivery.files.headers import file_name, media_type
from app.delivery.files.schemas import ProductFileOut, UploadArgs, file_out
from app.delivery.files.service import CurrentFile
from app.products.errors import ProductNotFound, UnauthorizedProductAccess
from app.storage import service as storage
from app.storage.errors import FileEmpty, StorageFull, StorageUnavailable

blp = Blueprint("files", __name__, url_prefix="/products", description="Files for sale")

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_NAME: Final = {
    "name": "Content-Disposition",
    "description": "Name of the file (RFC 6266)",
    "schema": {"type": "string"},
    "example": "attachment; filename*=UTF-8''field-guide.pdf",
}


@blp.put("/<uuid:product_id>/file")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.arguments(UploadArgs, location="query")
@blp.response(200, ProductFileOut)
@blp.alt_response(201, schema=ProductFileOut, success=True)
@blp.doc(
    requestBody={
        "required": True,
        "content": {"application/octet-stream": _BYTES | {"example": "the bytes of the file"}},
    },
)
@blp.takes_header(_NAME)
@blp.errors(
    ProductNotFound,
    UnauthorizedProductAccess,
    NotAFileProduct,
    FileEmpty,
    BodyIncomplete,
    BodyTooSlow,
    BodyTooLarge,
    LengthRequired,
    UnsupportedMediaType,
    StorageFull,
    StorageUnavailable,
    QuotaExceeded,
)
@per_caller("60/hour")
def upload_product_file(args: dict[str, Any], product_id: UUID) -> Response:
    """Upload the file of a product

    The body is the file itself, with its own Content-Type and a Content-Length. The first file
    (201) puts the product on sale. Another file replaces it as a new version, which all later
    downloads return. Uploading the same file again has no effect. With `Expect: 100-continue`,
    errors are returned before the body is sent.
    """
    attributes = _file_attributes(args.get("name"))
    with reading() as session:
        merchant = current_user(session)
        service.require_uploadable(
            session, merchant=merchant, product_id=product_id, size=request.content_length
        )
    content_id = _store_body()
    publish = partial(_publish, product_id=product_id, content_id=content_id, **attributes)
    current = retry_transaction(publish)
    return json_response(dump_json(file_out(current)), 201 if current.is_new else 200)


def _file_attributes(name: str | None) -> dict[str, Any]:
    """Name and media type of the uploaded file. name: used if no header states it.

    Raises BadRequest, UnsupportedMediaType.
    """
    _require_complete_file()
    return {
        "name": file_name(header=request.headers.get("Content-Disposition"), default=name),
        "media_type": media_type(
            request.headers.get("Content-Type", ""), allowed=settings().file_types
        ),
    }


def _require_complete_file() -> None:
    """Refuse a partial file (RFC 9110, 14.5)."""
    if "Content-Range" in request.headers:
        raise BadRequest(details={"Content-Range": ["Send the complete file."]})


def _store_body() -> UUID:
    """Store the body of the request without holding a database connection.

    Returns the id of its content. Raises Unavailable if too many uploads are in progress,
    LengthRequired, BodyTooLarge, BodyIncomplete, BodyTooSlow, FileEmpty, StorageFull,
    StorageUnavailable.
    """
    with storage.current().receive(body_chunks(max_bytes=settings().file_max_bytes)) as staged:
        content = retry_transaction(
            partial(storage.register_content, sha256=staged.sha256, size=staged.size)
        )
        staged.store(content.storage_key)
    return content.id


def _publish(session: Session, **attributes: Any) -> CurrentFile:
    # The caller is authenticated again, because an upload may outlast their session.
    return service.publish(session, merchant=current_user(session), **attributes)


@blp.get("/<uuid:product_id>/file")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.response(200, ProductFileOut)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, FileNotFound)
def get_product_file(product_id: UUID) -> Response:
    """Get the file of a product

    Returns metadata of the newest version, and the number of downloads.
    """
    with reading() as session:
        current = service.require_file(
            session, merchant=current_user(session), product_id=product_id
        )
        return json_response(dump_json(file_out(current)))


@blp.delete("/<uuid:product_id>/file")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@idempotent(blp)
@blp.response(204)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, FileNotFound, FileSold)
def delete_product_file(product_id: UUID) -> None:
    """Delete the file of a product

    Only possible while it has not been sold. The product is then no longer on sale.
    """
    with transaction() as session:
        service.delete_file(session, merchant=current_user(session), product_id=product_id)
