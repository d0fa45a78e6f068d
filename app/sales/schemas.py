"""Schemas of sales."""

from datetime import date
from typing import Any, Final

import marshmallow as ma

from app.auth.schemas import Email
from app.common.clock import format_timestamp
from app.common.csv_documents import CsvArgs
from app.common.fields import DayOrTime, Id, MoneyOut, Schema, Timestamp, serializes
from app.common.money import format_minor
from app.common.pagination import SortablePageArgs
from app.common.time_range import ReportRangeArgs
from app.orders.models import RefundState
from app.orders.purchases.schemas import OrderFilters
from app.sales.repository import EXPORTED
from app.sales.service import DayTotals, ProductTotals, Summary

CSV_EXAMPLE: Final = (
    ",".join(EXPORTED) + "\r\n"
    "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a12,2026-11-21T09:30:00.000Z,2026-11-21T09:30:00.000Z,"
    "COMPLETED,WALLET,01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11,Field Guide,"
    "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a13,ada@example.com,2,19.99,4.00,SPRING,35.98,0.90,"
    "17.99,0.45,17.54,1,USD,4821-0937-558,A present for Grace,"
    '"{""cart"": ""c-1842""}",UTC\r\n'
)


class _Filters(OrderFilters, ReportRangeArgs):
    product_id = Id(metadata={"description": "Only sales of this product"})
    buyer_id = Id(metadata={"description": "Only sales to this buyer"})
    buyer_email = Email(
        metadata={
            "description": "Only sales to the buyer who has this email address now, in any case",
            "example": "ada@example.com",
        }
    )
    coupon_id = Id(metadata={"description": "Only sales with this coupon"})
    refunded = ma.fields.String(
        validate=ma.validate.OneOf(list(RefundState)),
        metadata={
            "description": "Only orders of which nothing, a part or everything was refunded"
            " (`status` REFUNDED): amount and units",
            "example": "PARTIAL",
        },
    )

    @ma.validates_schema
    def _require_one_buyer(self, data: dict[str, Any], **_: Any) -> None:
        if "buyer_id" in data and "buyer_email" in data:
            raise ma.ValidationError("Send buyerId or buyerEmail, not both.", "buyerEmail")


class ExportArgs(CsvArgs, _Filters):
    pass


class SalesArgs(SortablePageArgs, _Filters):
    pass


class SummaryArgs(ReportRangeArgs):
    since = DayOrTime(
        data_key="from",
        metadata={
            "description": "From this day or time on; default: 30 times 24 hours before `to`, at"
            " most 366 days"
        },
    )
    until = DayOrTime(
        data_key="to",
        metadata={"description": "Before this day or time (exclusive); default and maximum: now"},
    )
    product_id = Id(metadata={"description": "Only sales of this product"})


def _count(text: str, example: int) -> ma.fields.Integer:
    return ma.fields.Integer(required=True, metadata={"description": text, "example": example})


def _money(text: str, example: str) -> MoneyOut:
    return MoneyOut(required=True, metadata={"description": text, "example": example})


class BestSellingProductOut(Schema):
    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, metadata={"description": "Current name"})
    units = _count("Units of orders completed in the period", 40)
    revenue = _money("Amount paid by buyers", "759.62")


class SalesDayOut(Schema):
    date = ma.fields.Date(required=True, metadata={"description": "A day in `timeZone`"})
    orders = _count("Orders completed on this day", 3)
    units = _count("Units of these orders", 4)
    revenue = _money("Amount paid by buyers", "75.96")
    refunds = _money("Amount refunded to buyers on this day", "19.99")
    net = _money("Earnings of this day: revenue - fees - refunds + feeRefunds", "54.56")


class SalesSummaryOut(Schema):
    """Orders count when they were completed, and refunds when they were made.

    An order that is refunded later still counts, because its refund is counted separately.
    Consecutive periods therefore add up, and `net` is what the sales and refunds of the period
    moved in the merchant's wallet: its postings of type EARNING, FEE, REFUND_OUT and FEE_REFUND.
    """

    since = Timestamp(data_key="from", required=True)
    until = Timestamp(data_key="to", required=True, metadata={"description": "Exclusive"})
    currency = ma.fields.String(
        required=True,
        metadata={"description": "Only sales in this currency are included", "example": "USD"},
    )
    orders = _count("Orders completed in the period, including refunded ones", 42)
    units = _count("Units of these orders", 57)
    gross = _money("Price before coupons: revenue + discounts", "1139.43")
    discounts = _money("Discounts from coupons", "56.97")
    revenue = _money("Amount paid by buyers", "1082.46")
    fees = _money("Platform fees", "27.06")
    refunds = _money("Amount refunded to buyers in the period, for orders of any period", "39.98")
    fee_refunds = _money("Platform fees returned for these refunds", "1.00")
    net = _money("Earnings: revenue - fees - refunds + feeRefunds", "1016.42")
    buyers = _count("Number of distinct buyers", 31)
    refunded_units = _count("Units taken back by these refunds", 2)
    best_products = ma.fields.List(
        ma.fields.Nested(BestSellingProductOut),
        required=True,
        metadata={"description": "The ten products with the highest revenue, then units"},
    )
    days = ma.fields.List(
        ma.fields.Nested(SalesDayOut),
        required=True,
        metadata={
            "description": "Each day of the period in `timeZone`; the first and last may be partial"
        },
    )
    time_zone = ma.fields.String(
        required=True,
        metadata={"description": "Time zone whose days are summed", "example": "Asia/Kolkata"},
    )


@serializes(SalesSummaryOut)
def summary_out(summary: Summary) -> dict[str, Any]:
    """Serialize as SalesSummaryOut describes."""
    totals, currency = summary.totals, summary.currency
    return {
        "from": format_timestamp(summary.since),
        "to": format_timestamp(summary.until),
        "currency": currency,
        "orders": totals.orders,
        "units": totals.units,
        "gross": format_minor(totals.gross, currency),
        "discounts": format_minor(totals.discounts, currency),
        "revenue": format_minor(totals.revenue, currency),
        "fees": format_minor(totals.fees, currency),
        "refunds": format_minor(totals.refunds, currency),
        "feeRefunds": format_minor(totals.fee_refunds, currency),
        "net": format_minor(totals.net, currency),
        "buyers": summary.buyers,
        "refundedUnits": totals.refunded_units,
        "bestProducts": [best_out(sold, currency) for sold in summary.best],
        "days": [day_out(day, totals, currency) for day, totals in summary.days],
        "timeZone": summary.time_zone,
    }


@serializes(BestSellingProductOut)
def best_out(sold: ProductTotals, currency: str) -> dict[str, Any]:
    return {
        "id": sold.id,
        "name": sold.name,
        "units": sold.totals.units,
        "revenue": format_minor(sold.totals.revenue, currency),
    }


@serializes(SalesDayOut)
def day_out(day: date, totals: DayTotals, currency: str) -> dict[str, Any]:
    return {
        "date": day.isoformat(),
        "orders": totals.orders,
        "units": totals.units,
        "revenue": format_minor(totals.revenue, currency),
        "refunds": format_minor(totals.refunds, currency),
        "net": format_minor(totals.net, currency),
    }
