"""HTTP endpoints of a merchant's sales."""

from typing import Any, Final

from flask import Response

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.csv_http import answers_csv, csv_download
from app.common.db import reading, snapshot
from app.common.http import Blueprint, json_response, settings
from app.common.json_format import dump_json
from app.common.ratelimit import per_caller
from app.common.replica import may_lag
from app.common.time_range import PeriodInvalid
from app.orders.purchases.schemas import OrderList
from app.sales import service
from app.sales.schemas import (
    CSV_EXAMPLE,
    ExportArgs,
    SalesArgs,
    SalesSummaryOut,
    SummaryArgs,
    summary_out,
)

blp = Blueprint("sales", __name__, url_prefix="/orders/merchant", description="A merchant's sales")

#: Limits long exports, each of which occupies a thread of this process.
_exports: Final = ConcurrencyLimiter(2)


@blp.get("/sales")
@requires(blp, Role.MERCHANT, scope=Scope.ORDERS_READ)
@blp.arguments(SalesArgs, location="query")
@blp.response(200, OrderList)
@blp.errors(PeriodInvalid)
@may_lag
def list_sales(args: dict[str, Any]) -> Any:
    """List sales

    Returns the orders of the merchant's products, newest first, each with its buyer. `from` and
    `to` refer to `createdAt`.
    """
    with reading() as session:
        merchant = current_user(session)
        within = args.pop("requested").within(merchant.time_zone)
        return service.list_sales(session, merchant_id=merchant.id, within=within, **args)


@blp.get("/sales/export")
@requires(blp, Role.MERCHANT, scope=Scope.ORDERS_READ)
@blp.arguments(ExportArgs, location="query")
@blp.response(200, description="One row per order")
@answers_csv(blp, example=CSV_EXAMPLE)
@blp.errors(PeriodInvalid)
@per_caller("20/minute")
def export_sales(args: dict[str, Any]) -> Response:
    """Export sales as CSV

    Returns all orders of the list, newest first. Orders are read while the response is sent, so
    each row is current when it is read. Times have the offset of `timeZone`, which the last
    column names. `refunded` and `feeRefunded` are the parts of `amount` and `fee` that have
    been returned; `net` is amount - fee - refunded + feeRefunded, or 0 if the order was not
    paid; `metadata` is a JSON object. Text that a spreadsheet would interpret as a formula is
    prefixed with an apostrophe. If the export fails midway, its last line says so.
    """
    bom = args.pop("bom")
    with reading() as session:
        merchant = current_user(session)
    within = args.pop("requested").within(merchant.time_zone)
    parts = service.export(merchant_id=merchant.id, within=within, reading=reading, **args)
    return csv_download(
        parts, filename="sales.csv", limiter=_exports, caller_id=merchant.id, bom=bom
    )


@blp.get("/summary")
@requires(blp, Role.MERCHANT, scope=Scope.ORDERS_READ)
@blp.arguments(SummaryArgs, location="query")
@blp.response(200, SalesSummaryOut)
@blp.errors(PeriodInvalid)
@per_caller("20/minute")
@may_lag
def get_sales_summary(args: dict[str, Any]) -> Response:
    """Get a sales summary

    Returns totals, best-selling products and daily figures of a period, for the days of `timeZone`.
    It matches the ledger:
    `net` is what the merchant's wallet received for sales, minus fees and refunds. Products in a
    currency other than the shop's are not included.
    """
    with reading() as session:
        merchant = current_user(session)
    within = args.pop("requested").within(merchant.time_zone)
    with snapshot() as session:
        found = service.get_summary(
            session,
            merchant_id=merchant.id,
            currency=settings().default_currency,
            within=within,
            **args,
        )
    return json_response(dump_json(summary_out(found)))
