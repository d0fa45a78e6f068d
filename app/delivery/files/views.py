"""HTTP of files for sale: merchants upload them, buyers download them."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.guard import live_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common.db import reading, retry_transaction, transaction
from app.common.errors import BodyIncomplete, BodyTooLarge, LengthRequired, UnsupportedMediaType
from app.common.http import Blueprint, json_response
from app.common.json_format import dump_json
from app.common.openapi import path_parameter
from app.common.ratelimit import per_caller
from app.delivery.files import service
from app.delivery.files.errors import (
    DeliveryNotFound,
    DeliveryTakenBack,
    DownloadLimitReached,
    DownloadRevoked,
    FileEmpty,
    FileNotFound,
    FileSold,
    LinkExpired,
    LinkInvalid,
    NotAFileProduct,
    PreconditionFailed,
    RangeNotSatisfiable,
    StorageAway,
    StorageFull,
)
from app.delivery.files.http import keep_body, label, send
from app.delivery.files.schemas import DownloadAllowanceOut, ProductFileOut, UploadArgs, file_out
from app.delivery.files.service import Offered
from app.products.errors import ProductNotFound, UnauthorizedProductAccess

blp = Blueprint("files", __name__, url_prefix="", description="Files for sale, and their downloads")

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_NAME: Final = {
    "name": "Content-Disposition",
    "description": "Name of the file (RFC 6266)",
    "schema": {"type": "string"},
    "example": "attachment; filename*=UTF-8''field-guide.pdf",
}
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
_SENT: Final = {
    "Accept-Ranges": {"description": "`bytes`", "schema": {"type": "string"}},
    "ETag": {"description": "SHA-256 hash of the file", "schema": {"type": "string"}},
    "Content-Disposition": {"description": "Name of the file", "schema": {"type": "string"}},
}


@blp.put("/products/<uuid:product_id>/file")
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
@blp.refuses(
    ProductNotFound,
    UnauthorizedProductAccess,
    NotAFileProduct,
    FileEmpty,
    BodyIncomplete,
    BodyTooLarge,
    LengthRequired,
    UnsupportedMediaType,
    StorageFull,
    StorageAway,
)
@per_caller("60/hour")
def upload_product_file(args: dict[str, Any], product_id: UUID) -> Response:
    """Upload the file of a product

    The body is the file itself, with its own Content-Type and a Content-Length. The first file
    (201) puts the product on sale. Another file replaces it as a new version, which all later
    downloads return. Uploading the same file again has no effect. With `Expect: 100-continue`,
    errors are returned before the body is sent.
    """
    labelled = label(args.get("name"))
    with reading() as session:
        merchant = live_user(session)
        service.require_file_product(session, merchant=merchant, product_id=product_id)
    content_id = keep_body(merchant.id)
    attach = partial(_attach, product_id=product_id, content_id=content_id, **labelled)
    offered = retry_transaction(attach)
    return json_response(dump_json(file_out(offered)), 201 if offered.is_new else 200)


def _attach(session: Session, **what: Any) -> Offered:
    # Asked anew, because an upload may take longer than a session holds.
    return service.attach(session, merchant=live_user(session), **what)


@blp.get("/products/<uuid:product_id>/file")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.response(200, ProductFileOut)
@blp.refuses(ProductNotFound, UnauthorizedProductAccess, FileNotFound)
def get_product_file(product_id: UUID) -> Response:
    """Get the file of a product

    Returns metadata of the newest version, and the number of downloads.
    """
    with reading() as session:
        offered = service.find(session, merchant=live_user(session), product_id=product_id)
        return json_response(dump_json(file_out(offered)))


@blp.delete("/products/<uuid:product_id>/file")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.response(204)
@blp.refuses(ProductNotFound, UnauthorizedProductAccess, FileNotFound, FileSold)
def delete_product_file(product_id: UUID) -> None:
    """Delete the file of a product

    Only possible while it has not been sold. The product is then no longer on sale.
    """
    with transaction() as session:
        service.take_away(session, merchant=live_user(session), product_id=product_id)


@blp.post("/orders/<uuid:order_id>/downloads/reset")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.response(200, DownloadAllowanceOut)
@blp.refuses(DeliveryNotFound, DeliveryTakenBack)
def reset_downloads(order_id: UUID) -> dict[str, int]:
    """Reset the downloads of an order

    The buyer can download as often as at first, regardless of earlier downloads.
    """
    with transaction() as session:
        left = service.allow_again(session, merchant=live_user(session), order_id=order_id)
    return {"downloads_left": left}


@blp.get(
    "/downloads/<string:download_token>",
    parameters=[path_parameter("download_token", "Token of the download link")],
)
@blp.response(200, headers=_SENT)
@blp.alt_response(206, description="The requested range", success=True, headers=_SENT)
@blp.alt_response(304, description="Not modified since the given ETag", success=True)
@blp.doc(responses={code: {"content": {"*/*": _BYTES}} for code in (200, 206)})
@blp.takes_header(_RANGE)
@blp.takes_header(_IF_RANGE)
@blp.refuses(
    LinkInvalid,
    LinkExpired,
    DownloadRevoked,
    DownloadLimitReached,
    PreconditionFailed,
    RangeNotSatisfiable,
    StorageAway,
)
@blp.doc(**{"x-caller": "holder of the link"})
def download_file(download_token: str) -> Response:
    """Download a purchased file

    Uses a link from the delivery of an order and needs no sign-in. The first use of a link counts
    as one download of the order. An interrupted download can be resumed with `Range` while the
    link is valid, and is not counted again. A link transfers at most three times the file's size.
    """
    return send(download_token)
