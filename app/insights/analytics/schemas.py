"""Schemas of a merchant's analytics."""

from typing import Any

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.fields import DayOrTime, MoneyOut, Schema, Timestamp, serializes
from app.common.money import format_minor
from app.common.time_range import ReportRangeArgs
from app.insights.analytics.service import (
    DEFAULT_DAYS,
    MAX_DAYS,
    Changes,
    Checkouts,
    Figures,
    Report,
)
from app.insights.schemas import count, number
from app.sales.schemas import BestSellingProductOut, SalesDayOut, best_out, day_out


class SalesReportArgs(ReportRangeArgs):
    since = DayOrTime(
        data_key="from",
        metadata={
            "description": "From this day or time on; default: the day in `timeZone` that makes it"
            f" {DEFAULT_DAYS} days, at most {MAX_DAYS} before `to`"
        },
    )
    until = DayOrTime(
        data_key="to",
        metadata={"description": "Before this day or time (exclusive); default and maximum: now"},
    )


def _money(text: str, example: str, *, nullable: bool = False) -> MoneyOut:
    return MoneyOut(
        required=True, allow_none=nullable, metadata={"description": text, "example": example}
    )


class CheckoutsOut(Schema):
    """Orders by card that were begun in the period."""

    begun = count("Checkouts begun in the period, in any currency", 120)
    paid = count("Those that were paid, refunded ones as well", 97)
    unpaid = count("Those whose time to pay is over", 14)
    cancelled = count("Those that the buyer cancelled", 6)
    open = count("Those that can still be paid", 3)
    conversion = number(
        "Per cent of those that have ended which were paid; null without any", 82.91
    )


class SalesFiguresOut(Schema):
    """As of the sales summary: orders count when they were completed, refunds when they were
    made."""

    since = Timestamp(data_key="from", required=True)
    until = Timestamp(data_key="to", required=True, metadata={"description": "Exclusive"})
    orders = count("Orders completed in the period, including refunded ones", 42)
    units = count("Units of these orders", 57)
    revenue = _money("Amount paid by buyers", "1082.46")
    fees = _money("Platform fees", "27.06")
    refunds = _money("Amount refunded to buyers in the period, for orders of any period", "39.98")
    fee_refunds = _money("Platform fees returned for these refunds", "1.00")
    net = _money("Earnings: revenue - fees - refunds + feeRefunds", "1016.42")
    average_order = _money("Revenue of an order; null without any", "25.77", nullable=True)
    refund_rate = number("Refunds in per cent of the revenue; null without any", 3.69)
    buyers = count("Distinct buyers", 31)
    new_buyers = count("Buyers who had bought nothing from the merchant before", 12)
    returning_buyers = count("The others", 19)
    checkouts = ma.fields.Nested(
        CheckoutsOut, required=True, metadata={"description": "Checkouts by card"}
    )


class SalesChangesOut(Schema):
    """By how many per cent figures have grown since the period before; null if they were zero."""

    orders = number("Of the orders", 20.0)
    units = number("Of the units", 14.0)
    revenue = number("Of the revenue", 18.34)
    net = number("Of the earnings", 17.9)
    buyers = number("Of the buyers", 10.71)
    new_buyers = number("Of the new buyers", -7.69)


class SalesReportOut(Schema):
    currency = ma.fields.String(
        required=True,
        metadata={"description": "Only sales in this currency are included", "example": "USD"},
    )
    time_zone = ma.fields.String(
        required=True,
        metadata={"description": "Time zone whose days are summed", "example": "Asia/Kolkata"},
    )
    current = ma.fields.Nested(
        SalesFiguresOut, required=True, metadata={"description": "The period"}
    )
    before = ma.fields.Nested(
        SalesFiguresOut,
        required=True,
        metadata={"description": "The period of the same length before it"},
    )
    changes = ma.fields.Nested(
        SalesChangesOut, required=True, metadata={"description": "From one to the other"}
    )
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


@serializes(SalesReportOut)
def report_out(report: Report) -> dict[str, Any]:
    """Serialize as SalesReportOut describes."""
    summary = report.summary
    return {
        "currency": summary.currency,
        "timeZone": summary.time_zone,
        "current": _figures(report.current),
        "before": _figures(report.before),
        "changes": _changes(report.changes),
        "bestProducts": [best_out(sold, summary.currency) for sold in summary.best],
        "days": [day_out(day, totals, summary.currency) for day, totals in summary.days],
    }


@serializes(SalesFiguresOut)
def _figures(figures: Figures) -> dict[str, Any]:
    totals, currency, average = figures.totals, figures.currency, figures.average_order
    return {
        "from": format_timestamp(figures.since),
        "to": format_timestamp(figures.until),
        "orders": totals.orders,
        "units": totals.units,
        "revenue": format_minor(totals.revenue, currency),
        "fees": format_minor(totals.fees, currency),
        "refunds": format_minor(totals.refunds, currency),
        "feeRefunds": format_minor(totals.fee_refunds, currency),
        "net": format_minor(totals.net, currency),
        "averageOrder": None if average is None else format_minor(average, currency),
        "refundRate": figures.refund_rate,
        "buyers": figures.buyers,
        "newBuyers": figures.new_buyers,
        "returningBuyers": figures.returning_buyers,
        "checkouts": _checkouts(figures.checkouts),
    }


@serializes(CheckoutsOut)
def _checkouts(checkouts: Checkouts) -> dict[str, Any]:
    return {
        "begun": checkouts.begun,
        "paid": checkouts.paid,
        "unpaid": checkouts.unpaid,
        "cancelled": checkouts.cancelled,
        "open": checkouts.open,
        "conversion": checkouts.conversion,
    }


@serializes(SalesChangesOut)
def _changes(changes: Changes) -> dict[str, Any]:
    return {
        "orders": changes.orders,
        "units": changes.units,
        "revenue": changes.revenue,
        "net": changes.net,
        "buyers": changes.buyers,
        "newBuyers": changes.new_buyers,
    }
