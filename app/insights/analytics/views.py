"""HTTP of a merchant's analytics."""

from typing import Any

from flask import Response

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common.db import reading, snapshot
from app.common.http import Blueprint, json_response, settings
from app.common.json_format import dump_json
from app.common.ratelimit import per_caller
from app.common.replica import may_lag
from app.common.time_range import PeriodInvalid
from app.insights.analytics import service
from app.insights.analytics.schemas import SalesReportArgs, SalesReportOut, report_out

blp = Blueprint(
    "sales-insights", __name__, url_prefix="/insights/sales", description="A merchant's analytics"
)


@blp.get("")
@requires(blp, Role.MERCHANT, scope=Scope.ORDERS_READ)
@blp.arguments(SalesReportArgs, location="query")
@blp.response(200, SalesReportOut)
@blp.errors(PeriodInvalid)
@per_caller("60/minute")
@may_lag
def get_sales_report(args: dict[str, Any]) -> Response:
    """Get a sales report

    The figures of a period and of the one before it: revenue, fees, refunds, new and returning
    buyers, and how many checkouts by card were paid; with the best-selling products and the days in
    `timeZone`. The figures are those of the sales summary, and match the ledger.
    """
    with reading() as session:
        merchant = current_user(session)
    within = args.pop("requested").within(merchant.time_zone)
    with snapshot() as session:
        report = service.get_report(
            session,
            merchant_id=merchant.id,
            currency=settings().default_currency,
            within=within,
        )
    return json_response(dump_json(report_out(report)))
