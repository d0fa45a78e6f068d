"""Shapes of sales."""

from typing import Any

import marshmallow as ma

from app.common.clock import to_wire
from app.common.fields import Id, Moment, MoneyOut, Schema
from app.common.money import format_minor
from app.common.pagination import PageArgs
from app.orders.models import OrderStatus
from app.sales.service import Sold, Summary, Sums


class _Filters(Schema):
    product_id = Id(metadata={"description": "Only of this product"})
    status = ma.fields.String(
        validate=ma.validate.OneOf(list(OrderStatus)),
        metadata={"description": "Only orders of this status"},
    )
    since = Moment(data_key="from", metadata={"description": "Made from this moment on"})
    until = Moment(data_key="to", metadata={"description": "Made before this moment"})


class SalesArgs(PageArgs, _Filters):
    pass


class ExportArgs(_Filters):
    class Meta:
        unknown = ma.EXCLUDE


class SummaryArgs(Schema):
    since = Moment(
        data_key="from",
        metadata={
            "description": "From this moment on; 30 days before `to` by default, 366 at most"
        },
    )
    until = Moment(
        data_key="to",
        metadata={"description": "Before this moment; now by default and at the latest"},
    )
    product_id = Id(metadata={"description": "Only of this product"})

    class Meta:
        unknown = ma.EXCLUDE


def _count(text: str, example: int) -> ma.fields.Integer:
    return ma.fields.Integer(required=True, metadata={"description": text, "example": example})


def _money(text: str, example: str) -> MoneyOut:
    return MoneyOut(required=True, metadata={"description": text, "example": example})


class BestSellingProductOut(Schema):
    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, metadata={"description": "As it is now"})
    units = _count("Units of orders completed in the period", 40)
    revenue = _money("What buyers paid for them", "759.62")


class SalesDayOut(Schema):
    date = ma.fields.Date(required=True, metadata={"description": "A day in UTC"})
    orders = _count("Orders completed on this day", 3)
    units = _count("Their units", 4)
    revenue = _money("What buyers paid for them", "75.96")
    refunds = _money("What went back to buyers on this day", "19.99")
    net = _money("What this day brought: revenue - fees - refunds + feeRefunds", "54.56")


class SalesSummaryOut(Schema):
    """Orders count when they were completed, and refunds when they were given.

    An order that was refunded later counts all the same, because its refund does, too. So periods
    that follow each other add up, and `net` is what the sales and refunds of the period moved in
    the merchant's wallet: its postings of type EARNING, FEE, REFUND_OUT and FEE_REFUND.
    """

    since = Moment(data_key="from", required=True)
    until = Moment(data_key="to", required=True, metadata={"description": "Left out"})
    currency = ma.fields.String(
        required=True,
        metadata={"description": "Only what was sold in it is summed up", "example": "USD"},
    )
    orders = _count("Orders completed in the period, refunded ones included", 42)
    units = _count("Their units", 57)
    gross = _money("What they cost before coupons: revenue + discounts", "1139.43")
    discounts = _money("What coupons took off their price", "56.97")
    revenue = _money("What buyers paid for them", "1082.46")
    fees = _money("What the platform took of it", "27.06")
    refunds = _money(
        "What went back to buyers in the period, for orders of the period or before", "39.98"
    )
    fee_refunds = _money("What the platform gave back of its fees for these refunds", "1.00")
    net = _money("What is left: revenue - fees - refunds + feeRefunds", "1016.42")
    buyers = _count("Different buyers of these orders", 31)
    refunded_units = _count("Units taken back by these refunds", 2)
    best_products = ma.fields.List(
        ma.fields.Nested(BestSellingProductOut),
        required=True,
        metadata={"description": "The ten with the most revenue, then units"},
    )
    days = ma.fields.List(
        ma.fields.Nested(SalesDayOut),
        required=True,
        metadata={"description": "Every day (UTC) of the period; first and last may be cut short"},
    )


def summary_out(summary: Summary) -> dict[str, Any]:
    """What SalesSummaryOut describes."""
    sums, currency = summary.sums, summary.currency
    return {
        "from": to_wire(summary.since),
        "to": to_wire(summary.until),
        "currency": currency,
        "orders": sums.orders,
        "units": sums.units,
        "gross": format_minor(sums.gross, currency),
        "discounts": format_minor(sums.discounts, currency),
        "revenue": format_minor(sums.revenue, currency),
        "fees": format_minor(sums.fees, currency),
        "refunds": format_minor(sums.refunds, currency),
        "feeRefunds": format_minor(sums.fee_refunds, currency),
        "net": format_minor(sums.net, currency),
        "buyers": summary.buyers,
        "refundedUnits": sums.refunded_units,
        "bestProducts": [_best(sold, currency) for sold in summary.best],
        "days": [{"date": day.isoformat()} | _day(on_it, currency) for day, on_it in summary.days],
    }


def _best(sold: Sold, currency: str) -> dict[str, Any]:
    return {
        "id": sold.id,
        "name": sold.name,
        "units": sold.sums.units,
        "revenue": format_minor(sold.sums.revenue, currency),
    }


def _day(sums: Sums, currency: str) -> dict[str, Any]:
    return {
        "orders": sums.orders,
        "units": sums.units,
        "revenue": format_minor(sums.revenue, currency),
        "refunds": format_minor(sums.refunds, currency),
        "net": format_minor(sums.net, currency),
    }
