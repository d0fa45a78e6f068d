"""HTTP of products by the table: import and export."""

from typing import Any, Final

from flask import Response, request

from app.auth.guard import live_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common import csv_documents
from app.common.concurrency_limiter import Places
from app.common.db import reading, retry_transaction
from app.common.errors import BodyIncomplete, BodyTooLarge, LengthRequired, UnsupportedMediaType
from app.common.http import Blueprint, body_pieces, json_response, settings
from app.common.json_format import dump_json
from app.common.ratelimit import per_caller
from app.common.streams import answer_in_pieces
from app.products import documents, imports, service
from app.products.documents import CSV_EXAMPLE, CSV_EXPORTED
from app.products.errors import TableInvalid
from app.products.schemas import ImportArgs, ProductImportOut

MOST_BYTES: Final = 5 * 1024 * 1024

_TEXT: Final = {"schema": {"type": "string"}}

blp = Blueprint(
    "product-tables", __name__, url_prefix="/products", description="All my products at once"
)

#: Under way in this process, of its many threads.
_imports: Final = Places(2)
_exports: Final = Places(2)


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
    """Put many products on sale, or change them

    The body is `text/csv` (RFC 4180, UTF-8): a header, then up to 10,000 rows, 5 MiB in all. Its
    columns are those of the export, in any order, as many as you like. A row with an `id` changes
    that product of mine, a row without one makes a new product. Only what there is a column for
    is changed; `createdAt` is not looked at, and `currency` and `kind` must be right. An empty cell
    of `description` or `purchaseLimit` says that there is none, any other empty cell is as if there
    were no such column. A new `availableUnits` is a restock, so leave the column out unless you
    mean it: meanwhile some may be sold. CODES take no units.

    All or nothing: if anything is wrong, `details` say what, per line and field – `"line 7: price":
    ["Must be greater than 0."]` –, of the first 100 such lines. `dryRun` only looks. Sending an
    export back changes nothing; rows without an `id` sent again make more products.
    """
    if request.mimetype != "text/csv":
        raise UnsupportedMediaType("Send the table as text/csv")
    with reading() as session:
        merchant = live_user(session)
    give_back = _imports.take(merchant.id)
    try:
        table = documents.read(body_pieces(most=MOST_BYTES))
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
        give_back()
    return json_response(dump_json(ProductImportOut().dump(outcome)))


@blp.get("/merchant/export")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_READ)
@blp.response(200, description="A line for each product")
@blp.doc(responses={200: {"content": {"text/csv": _TEXT | {"example": CSV_EXPORTED}}}})
@per_caller("20/minute")
def export_products() -> Response:
    """My own products as CSV

    Newest first, without those I have deleted. A text that a spreadsheet would take for a formula
    is preceded by an apostrophe, which the import takes away again. The units of CODES are left
    out, because nobody can set them. A table that breaks off says so in its last line.
    """
    with reading() as session:
        merchant = live_user(session)
    pieces = service.pieces_of_merchant(merchant_id=merchant.id, reading=reading)
    response = answer_in_pieces(
        documents.as_csv(pieces),
        places=_exports,
        caller_id=merchant.id,
        if_broken_off=csv_documents.BROKEN_OFF,
    )
    response.headers["Content-Type"] = "text/csv; charset=utf-8; header=present"
    response.headers["Content-Disposition"] = 'attachment; filename="products.csv"'
    return response
