"""HTTP of sales: what a merchant sold."""

from typing import Any, Final

from flask import Response

from app.auth.guard import live_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common import csv_documents
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.db import reading
from app.common.http import Blueprint, json_response, settings
from app.common.json_format import dump_json
from app.common.ratelimit import per_caller
from app.common.streams import stream_response
from app.orders.purchases.schemas import OrderList
from app.sales import service
from app.sales.documents import CSV_EXAMPLE, as_csv
from app.sales.errors import PeriodInvalid
from app.sales.schemas import ExportArgs, SalesArgs, SalesSummaryOut, SummaryArgs, summary_out

blp = Blueprint("sales", __name__, url_prefix="/orders/merchant", description="What I sold")

#: Long exports under way in this process, of its many threads.
_exports: Final = ConcurrencyLimiter(2)


@blp.get("/sales")
@requires(blp, Role.MERCHANT, scope=Scope.ORDERS_READ)
@blp.arguments(SalesArgs, location="query")
@blp.response(200, OrderList)
def list_sales(args: dict[str, Any]) -> Any:
    """What I sold, newest first

    Each order with who bought it. `from` and `to` are about when an order was made (`createdAt`).
    """
    with reading() as session:
        return service.sales(session, merchant_id=live_user(session).id, **args)


@blp.get("/sales/export")
@requires(blp, Role.MERCHANT, scope=Scope.ORDERS_READ)
@blp.arguments(ExportArgs, location="query")
@blp.response(200, description="A line for each order")
@blp.doc(
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": CSV_EXAMPLE}}}
    }
)
@per_caller("20/minute")
def export_sales(args: dict[str, Any]) -> Response:
    """What I sold as CSV

    The same orders as in the list, newest first, however many: they are sent while they are read,
    each as it is at that moment. `refunded` and `feeRefunded` are what went back of `amount` and
    `fee` so far; `net` is what the order brought: amount - fee - refunded + feeRefunded, and
    nothing unless it was paid. A text that a spreadsheet would take for a formula is preceded by
    an apostrophe. A table that breaks off says so in its last line.
    """
    with reading() as session:
        merchant = live_user(session)
    found = service.pieces(merchant_id=merchant.id, reading=reading, **args)
    response = stream_response(
        as_csv(found),
        limiter=_exports,
        caller_id=merchant.id,
        if_truncated=csv_documents.TRUNCATED,
    )
    response.headers["Content-Type"] = "text/csv; charset=utf-8; header=present"
    response.headers["Content-Disposition"] = 'attachment; filename="sales.csv"'
    return response


@blp.get("/summary")
@requires(blp, Role.MERCHANT, scope=Scope.ORDERS_READ)
@blp.arguments(SummaryArgs, location="query")
@blp.response(200, SalesSummaryOut)
@blp.refuses(PeriodInvalid)
@per_caller("20/minute")
def get_sales_summary(args: dict[str, Any]) -> Response:
    """What my sales come to

    Of a period: sums, the best products, and each day. It ties to the ledger: `net` is what my
    wallet got for sales, less what it gave for fees and refunds. Products of another currency
    than the shop's are left out.
    """
    with reading() as session:
        found = service.summary(
            session,
            merchant_id=live_user(session).id,
            currency=settings().default_currency,
            **args,
        )
    return json_response(dump_json(summary_out(found)))
