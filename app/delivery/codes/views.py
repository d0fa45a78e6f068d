"""HTTP of codes."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from flask import Response, request

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common import queue
from app.common.csv_http import require_text
from app.common.db import reading, retry_transaction, transaction
from app.common.errors import (
    BodyIncomplete,
    BodyTooLarge,
    BodyTooSlow,
    LengthRequired,
    UnsupportedMediaType,
)
from app.common.http import Blueprint, body_chunks, json_response
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.pagination import PageArgs
from app.common.ratelimit import per_caller
from app.delivery.codes import ingestion, service, tasks, uploads
from app.delivery.codes.errors import (
    CodeNotFound,
    CodeNotSold,
    CodeRevoked,
    CodesInvalid,
    CodeSold,
    NoCodeLeft,
    ProductHasNoCodes,
    UploadNotFound,
    UploadTimedOut,
)
from app.delivery.codes.parser import CodeFile, Layout, parse_csv, parse_text
from app.delivery.codes.schemas import (
    CSV_EXAMPLE,
    TEXT_EXAMPLE,
    CodeFilePreviewOut,
    CodesArgs,
    CodeUploadList,
    CodeUploadOut,
    ProductCodeList,
    ProductCodeOut,
    ProductCodeSummaryOut,
    UploadCodesArgs,
    code_out,
    preview_out,
    summary_out,
    upload_out,
)
from app.delivery.goods_schemas import RevokeIn
from app.products.errors import ProductNotFound, UnauthorizedProductAccess

#: Enough for 100,000 codes of 600 bytes.
MAX_BYTES: Final = 64 * 1024 * 1024

_PARSERS: Final[Mapping[str, Callable[[Iterable[bytes], Layout], CodeFile]]] = {
    "text/plain": parse_text,
    "text/csv": parse_csv,
}
_TEXT: Final = {"schema": {"type": "string"}}

blp = Blueprint(
    "product-codes", __name__, url_prefix="/products", description="Codes sold one per unit"
)


@blp.post("/<uuid:product_id>/codes")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.arguments(UploadCodesArgs, location="query")
@per_caller("60/minute")
@blp.doc(
    requestBody={
        "required": True,
        "content": {
            "text/plain": _TEXT | {"example": TEXT_EXAMPLE},
            "text/csv": _TEXT | {"example": CSV_EXAMPLE},
        },
    }
)
@blp.response(201, CodeUploadOut, description="All codes are on sale")
@blp.alt_response(
    200, schema=CodeFilePreviewOut, description="With `dryRun`: nothing was added", success=True
)
@blp.alt_response(
    202, schema=CodeUploadOut, description="A background job adds the codes", success=True
)
@blp.errors(
    ProductNotFound,
    UnauthorizedProductAccess,
    ProductHasNoCodes,
    CodesInvalid,
    BodyTooLarge,
    BodyIncomplete,
    BodyTooSlow,
    LengthRequired,
    UnsupportedMediaType,
    UploadTimedOut,
    QuotaExceeded,
)
def upload_product_codes(args: dict[str, Any], product_id: UUID) -> Response:
    """Upload codes

    Send one code per line as `text/plain`, or a table as `text/csv`: UTF-8 or UTF-16 with a byte
    order mark, separated by commas, semicolons or tabs. Up to 100,000 codes of 1 to 500 characters,
    up to 64 MiB. Nothing is guessed: for a table whose only column is not named `code`, state
    `header`, and for one with several columns also `column`. So must text whose first line looks
    like the name of a column, such as `Gift Code`. Values that look as if a spreadsheet had damaged
    them, such as `1.23E+15` or `=A1`, are refused with their line; `allowDamaged` sells them.
    Invisible characters are left out. `dryRun` shows what would be sold.

    Codes are sold in this order, each once. Codes that the product has or has had are skipped and
    reported. More than 1,000 codes are added by a background job: get the upload for its progress.
    """
    is_dry_run, layout = args.pop("dry_run"), Layout(**args)
    parse = _require_parser()
    with transaction() as session:
        merchant = current_user(session)
        uploads.require_codes_product(session, merchant=merchant, product_id=product_id)
    file = parse(body_chunks(max_bytes=MAX_BYTES), layout)
    if is_dry_run:
        preview = ingestion.preview(file, product_id=product_id)
        return json_response(dump_json(preview_out(preview)))
    stored = ingestion.ingest(
        file.codes,
        product_id=product_id,
        require_merchant=current_user,
        enqueue_job=partial(queue.enqueue, tasks.add_codes),
    )
    return json_response(dump_json(upload_out(stored)), 202 if stored.closed_at is None else 201)


def _require_parser() -> Callable[[Iterable[bytes], Layout], CodeFile]:
    """The parser of the request's media type. Raises UnsupportedMediaType."""
    require_text("the codes", *_PARSERS)
    return _PARSERS[request.mimetype]


@blp.get("/<uuid:product_id>/codes")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.arguments(CodesArgs, location="query")
@blp.response(200, ProductCodeList)
@blp.errors(ProductNotFound, UnauthorizedProductAccess)
def list_product_codes(args: dict[str, Any], product_id: UUID) -> Response:
    """List the codes of a product

    In the order in which they are sold. Codes are masked: only the buyer can see a full code.
    """
    with reading() as session:
        found = service.list_codes(
            session, merchant=current_user(session), product_id=product_id, **args
        )
    return json_response(dump_json(found.serialized(code_out)))


@blp.get("/<uuid:product_id>/codes/summary")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.response(200, ProductCodeSummaryOut)
@blp.errors(ProductNotFound, UnauthorizedProductAccess)
def get_product_code_summary(product_id: UUID) -> Response:
    """Count the codes of a product

    Returns the number of codes by status. The available codes are the product's stock.
    """
    with reading() as session:
        counts = service.count_by_status(
            session, merchant=current_user(session), product_id=product_id
        )
    return json_response(dump_json(summary_out(counts)))


@blp.get("/<uuid:product_id>/codes/uploads")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.arguments(PageArgs, location="query")
@blp.response(200, CodeUploadList)
@blp.errors(ProductNotFound, UnauthorizedProductAccess)
def list_code_uploads(args: dict[str, Any], product_id: UUID) -> Response:
    """List code uploads

    Newest first.
    """
    with reading() as session:
        found = uploads.list_uploads(
            session, merchant=current_user(session), product_id=product_id, **args
        )
    return json_response(dump_json(found.serialized(upload_out)))


@blp.get("/<uuid:product_id>/codes/uploads/<uuid:upload_id>")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.response(200, CodeUploadOut)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, UploadNotFound)
def get_code_upload(product_id: UUID, upload_id: UUID) -> Response:
    """Get a code upload

    Returns its progress. The upload is finished when `status` is COMPLETED.
    """
    with reading() as session:
        found = uploads.require_upload(
            session, merchant=current_user(session), product_id=product_id, upload_id=upload_id
        )
    return json_response(dump_json(upload_out(found)))


@blp.delete("/<uuid:product_id>/codes/<uuid:code_id>")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@idempotent(blp)
@blp.response(204)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, CodeNotFound, CodeSold)
def delete_product_code(product_id: UUID, code_id: UUID) -> None:
    """Delete an unsold code

    Reduces the stock by one.
    """
    retry_transaction(
        lambda session: service.delete_code(
            session, merchant=current_user(session), product_id=product_id, code_id=code_id
        )
    )


@blp.post("/<uuid:product_id>/codes/<uuid:code_id>/revoke")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.arguments(RevokeIn)
@idempotent(blp)
@blp.response(200, ProductCodeOut)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, CodeNotFound, CodeNotSold, CodeRevoked)
def revoke_product_code(body: dict[str, Any], product_id: UUID, code_id: UUID) -> Response:
    """Revoke a sold code

    Without a refund. Its buyer no longer sees it, but the reason. It is not sold again. A later
    refund of the order takes it back first; it can also still be reissued.
    """
    revoked = retry_transaction(
        lambda session: service.revoke_code(
            session,
            merchant=current_user(session),
            product_id=product_id,
            code_id=code_id,
            **body,
        )
    )
    return json_response(dump_json(code_out(revoked)))


@blp.post("/<uuid:product_id>/codes/<uuid:code_id>/reissue")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.arguments(RevokeIn)
@idempotent(blp)
@blp.response(201, ProductCodeOut)
@blp.errors(
    ProductNotFound,
    UnauthorizedProductAccess,
    CodeNotFound,
    CodeNotSold,
    CodeRevoked,
    NoCodeLeft,
)
def reissue_product_code(body: dict[str, Any], product_id: UUID, code_id: UUID) -> Response:
    """Reissue a sold code

    The buyer gets the next unsold code, which is returned, and the stock falls by one. The old code
    is revoked.
    """
    reissued = retry_transaction(
        lambda session: service.reissue_code(
            session,
            merchant=current_user(session),
            product_id=product_id,
            code_id=code_id,
            **body,
        )
    )
    return json_response(dump_json(code_out(reissued)), 201)
