"""HTTP of files that are sold: their merchants upload them, their buyers download them."""

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

blp = Blueprint(
    "files", __name__, url_prefix="", description="Files that are sold, and their downloads"
)

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_NAME: Final = {
    "name": "Content-Disposition",
    "description": "Name of the file (RFC 6266)",
    "schema": {"type": "string"},
    "example": "attachment; filename*=UTF-8''field-guide.pdf",
}
_RANGE: Final = {
    "name": "Range",
    "description": "One part of the file (RFC 9110); several are answered with all of it",
    "schema": {"type": "string"},
    "example": "bytes=1048576-",
}
_IF_RANGE: Final = {
    "name": "If-Range",
    "description": "The `ETag` of what you have: the part is sent only of that, else all of it",
    "schema": {"type": "string"},
    "example": '"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
}
_SENT: Final = {
    "Accept-Ranges": {"description": "`bytes`", "schema": {"type": "string"}},
    "ETag": {"description": "The SHA-256 of the file", "schema": {"type": "string"}},
    "Content-Disposition": {"description": "Its name", "schema": {"type": "string"}},
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
    """Upload the file of my product

    The body is the file as it is, under its own Content-Type, with a Content-Length. With the
    first one (201) the product goes on sale; another one takes its place as a new version, which
    everybody gets who downloads from then on. The same again changes nothing. With
    `Expect: 100-continue` a refusal comes before the body is sent.
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
    """The file of my product

    Its newest version, and how often it was downloaded.
    """
    with reading() as session:
        offered = service.find(session, merchant=live_user(session), product_id=product_id)
        return json_response(dump_json(file_out(offered)))


@blp.delete("/products/<uuid:product_id>/file")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.response(204)
@blp.refuses(ProductNotFound, UnauthorizedProductAccess, FileNotFound, FileSold)
def delete_product_file(product_id: UUID) -> None:
    """Take the file of my product away

    Only while nobody has bought it. The product is not on sale then.
    """
    with transaction() as session:
        service.take_away(session, merchant=live_user(session), product_id=product_id)


@blp.post("/orders/<uuid:order_id>/downloads/reset")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.response(200, DownloadAllowanceOut)
@blp.refuses(DeliveryNotFound, DeliveryTakenBack)
def reset_downloads(order_id: UUID) -> dict[str, int]:
    """Let my buyer download again

    The order is good for as many downloads as it was at first, whatever was used.
    """
    with transaction() as session:
        left = service.allow_again(session, merchant=live_user(session), order_id=order_id)
    return {"downloads_left": left}


@blp.get(
    "/downloads/<string:download_token>",
    parameters=[path_parameter("download_token", "Token of the download link")],
)
@blp.response(200, headers=_SENT)
@blp.alt_response(206, description="The part that was asked for", success=True, headers=_SENT)
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
    """Download a file that was bought

    By the link that the delivery of the order shows, without signing in. The first use of a link
    is one download of the order. What broke off goes on with `Range` over the same link while it
    is valid, and that is not counted again; but a link serves no more than three times its file.
    """
    return send(download_token)
