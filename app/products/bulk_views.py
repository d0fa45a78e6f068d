"""HTTP of bulk import and export of products."""

from typing import Any, Final

from flask import Response, request

from app.auth.guard import live_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common import csv_documents
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.db import reading, retry_transaction
from app.common.errors import BodyIncomplete, BodyTooLarge, LengthRequired, UnsupportedMediaType
from app.common.http import Blueprint, body_pieces, json_response, settings
from app.common.json_format import dump_json
from app.common.ratelimit import per_caller
from app.common.streams import stream_response
from app.products import documents, imports, service
from app.products.documents import CSV_EXAMPLE, CSV_EXPORTED
from app.products.errors import TableInvalid
from app.products.schemas import ImportArgs, ProductImportOut

MAX_BYTES: Final = 5 * 1024 * 1024

_TEXT: Final = {"schema": {"type": "string"}}

blp = Blueprint(
    "product-bulk", __name__, url_prefix="/products", description="Bulk import and export"
)

#: Under way in this process, of its many threads.
_imports: Final = ConcurrencyLimiter(2)
_exports: Final = ConcurrencyLimiter(2)


@blp.post("/import")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_WRITE)
@blp.arguments(ImportArgs, location="query")
@blp.response(200, ProductImportOut)
@blp.doc(
    requestBody={
        "required": True,
        "content": {"text/csv": _TEXT | {"example": CSV_EXAMPLE}},
    }
)
@blp.refuses(TableInvalid, BodyTooLarge, BodyIncomplete, LengthRequired, UnsupportedMediaType)
@per_caller("20/minute")
def import_products(args: dict[str, Any]) -> Response:
    """Import products from CSV

    Creates and updates up to 10,000 products. The body is `text/csv` (RFC 4180, UTF-8, up to
    5 MiB) with a header row. Its columns are those of the export, in any order, and all are
    optional for updates. A row with an `id` updates that product of the merchant; a row without
    one creates a product. Only fields with a column are changed. `createdAt` is ignored;
    `currency` and `kind` must match. An empty cell clears `description` or `purchaseLimit`; in
    other columns it is treated as omitted. Setting `availableUnits` restocks the product: omit the
    column unless you mean it, because units may have been sold since the export. Products of kind
    CODES have no units of their own.

    The import is atomic. If any row is invalid, nothing is changed and `details` lists the errors
    by line and field, such as `"line 7: price": ["Must be greater than 0."]`, for the first 100
    invalid lines. `dryRun` validates only. Importing an unchanged export has no effect; importing
    rows without `id` again creates more products.
    """
    if request.mimetype != "text/csv":
        raise UnsupportedMediaType("Send the table as text/csv")
    with reading() as session:
        merchant = live_user(session)
    release = _imports.acquire(merchant.id)
    try:
        table = documents.read(body_pieces(max_bytes=MAX_BYTES))
        outcome = retry_transaction(
            lambda session: imports.take_in(
                session,
                # Asked anew, because a body may take longer than a session holds.
                merchant=live_user(session),
                wishes=table.wishes,
                problems=table.problems,
                currency=settings().default_currency,
                **args,
            )
        )
    finally:
        release()
    return json_response(dump_json(ProductImportOut().dump(outcome)))


@blp.get("/merchant/export")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_READ)
@blp.response(200, description="One row per product")
@blp.doc(responses={200: {"content": {"text/csv": _TEXT | {"example": CSV_EXPORTED}}}})
@per_caller("20/minute")
def export_products() -> Response:
    """Export products as CSV

    Returns all products of the merchant except deleted ones, newest first. Text that a
    spreadsheet would interpret as a formula is prefixed with an apostrophe, which the import
    removes. The units of CODES are empty, because they cannot be set. If the export fails midway,
    its last line says so.
    """
    with reading() as session:
        merchant = live_user(session)
    pieces = service.pieces_of_merchant(merchant_id=merchant.id, reading=reading)
    response = stream_response(
        documents.as_csv(pieces),
        limiter=_exports,
        caller_id=merchant.id,
        if_truncated=csv_documents.TRUNCATED,
    )
    response.headers["Content-Type"] = "text/csv; charset=utf-8; header=present"
    response.headers["Content-Disposition"] = 'attachment; filename="products.csv"'
    return response
