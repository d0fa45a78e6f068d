"""HTTP of bulk import and export of products."""

from typing import Any, Final

from flask import Response

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.csv_http import answers_csv, csv_download, require_csv, takes_csv
from app.common.db import reading, retry_transaction
from app.common.errors import (
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
from app.products.bulk import csv_format, service
from app.products.bulk.csv_format import EXPORT_EXAMPLE, IMPORT_EXAMPLE
from app.products.bulk.errors import ImportInvalid
from app.products.bulk.schemas import ExportArgs, ImportArgs, ProductImportOut

MAX_BYTES: Final = 5 * 1024 * 1024

blp = Blueprint(
    "product-bulk", __name__, url_prefix="/products", description="Bulk import and export"
)

#: Long requests of this process, so that they leave threads for the others.
_imports: Final = ConcurrencyLimiter(2)
_exports: Final = ConcurrencyLimiter(2)


@blp.post("/import")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_WRITE)
@blp.arguments(ImportArgs, location="query")
@idempotent(blp, max_bytes=MAX_BYTES)
@blp.response(200, ProductImportOut)
@takes_csv(blp, example=IMPORT_EXAMPLE)
@blp.errors(
    ImportInvalid,
    BodyTooLarge,
    BodyIncomplete,
    BodyTooSlow,
    LengthRequired,
    UnsupportedMediaType,
    QuotaExceeded,
)
@per_caller("20/minute")
def import_products(args: dict[str, Any]) -> Response:
    """Import products from CSV

    Creates and updates up to 10,000 products. The body is `text/csv`, up to 5 MiB, with a header
    row: UTF-8 or UTF-16 with a byte order mark, separated by commas, semicolons or tabs. Its
    columns are those of the export, in any order, and all are optional for updates. Case, spaces
    and `_` in their names do not matter. A row with an `id` updates that product of the merchant; a
    row without one creates a product. Only fields with a column are changed. `category` is the
    `slug` of one, `metadata` a JSON object. `createdAt` is ignored; `currency` and `kind` must
    match. An empty cell clears `description`, `purchaseLimit`, `category` or `metadata`; in other
    columns it is treated as omitted. Setting `availableUnits` restocks the product: omit the column
    unless you mean it, because units may have been sold since the export. Products of kind CODES
    have no units of their own.

    The import is atomic. If any row is invalid, nothing is changed and `details` lists the errors
    by line and field, such as `"line 7: price": ["Must be greater than 0."]`, for the first 100
    invalid lines. `dryRun` validates, changes nothing and returns what would change.
    Importing an unchanged export has no effect; importing rows without `id` again creates more
    products.
    """
    require_csv("the products")
    with reading() as session:
        merchant = current_user(session)
    parsed = csv_format.parse(body_chunks(max_bytes=MAX_BYTES))
    release = _imports.acquire(merchant.id)  # only now, as the client may be slow
    try:
        summary = retry_transaction(
            lambda session: service.import_products(
                session,
                # Authenticated again, because a body may take longer than a session lasts.
                merchant=current_user(session),
                rows=parsed.rows,
                problems=parsed.problems,
                currency=settings().default_currency,
                **args,
            )
        )
    finally:
        release()
    return json_response(dump_json(ProductImportOut().dump(summary)))


@blp.get("/merchant/export")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_READ)
@blp.arguments(ExportArgs, location="query")
@blp.response(200, description="One row per product")
@answers_csv(blp, example=EXPORT_EXAMPLE)
@per_caller("20/minute")
def export_products(args: dict[str, Any]) -> Response:
    """Export products as CSV

    Returns the products of the merchant's list except deleted ones, newest first. Text that a
    spreadsheet would interpret as a formula is prefixed with an apostrophe, which the import
    removes. The units of CODES are empty, because they cannot be set. If the export fails midway,
    its last line says so.
    """
    with reading() as session:
        merchant = current_user(session)
    bom = args.pop("bom")
    parts = service.export(merchant_id=merchant.id, reading=reading, **args)
    return csv_download(
        parts, filename="products.csv", limiter=_exports, caller_id=merchant.id, bom=bom
    )
