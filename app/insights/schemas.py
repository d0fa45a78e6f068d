"""Schemas of insights for operators, and of the feed of transactions."""

from typing import Any

import marshmallow as ma

from app.common.examples import EXAMPLE_ID
from app.common.fields import Choice, MoneyOut, Schema, Timestamp, WholeNumber
from app.common.pagination import MAX_LIMIT, PageArgs, page_of
from app.insights.objectives.objective import ObjectiveName, Severity
from app.insights.transactions.models import FeedKind, FeedStatus


def number(text: str, example: float, *, nullable: bool = True) -> ma.fields.Float:
    return ma.fields.Float(
        required=True, allow_none=nullable, metadata={"description": text, "example": example}
    )


def count(text: str, example: int) -> ma.fields.Integer:
    return ma.fields.Integer(required=True, metadata={"description": text, "example": example})


class FeedArgs(PageArgs):
    limit = WholeNumber(
        load_default=50,
        minimum=1,
        maximum=MAX_LIMIT,
        metadata={"description": "Rows per page, 1 to 100", "example": 50},
    )


class FeedTransactionOut(Schema):
    """One decided attempt to move money out of a wallet."""

    id = ma.fields.Integer(
        required=True,
        metadata={"description": "Grows from transaction to transaction", "example": 10482},
    )
    transaction_id = ma.fields.UUID(
        required=True,
        metadata={
            "description": "ID of the order, transfer, hold, payout or journal entry; of a refusal"
            " or review, an ID of its own",
            "example": EXAMPLE_ID,
        },
    )
    user_number = ma.fields.Integer(
        required=True,
        metadata={"description": "Stands for the user who pays, always the same", "example": 118},
    )
    kind = Choice(FeedKind, required=True, metadata={"example": "PURCHASE"})
    merchant_id = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "ID of the merchant who is paid; null if none is"},
    )
    merchant_name = ma.fields.String(
        required=True,
        metadata={
            "description": "Public name of the merchant at that time, or what the money is for",
            "example": "Corner Bakery",
        },
    )
    amount = MoneyOut(required=True, metadata={"example": "19.99"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    status = Choice(FeedStatus, required=True, metadata={"example": "APPROVED"})
    decline_reason = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Code of the error; null unless it was declined",
            "example": "INSUFFICIENT_FUNDS",
        },
    )
    latency_ms = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "Milliseconds from the arrival of the request to the decision; null if"
            " they were not measured",
            "example": 12,
        },
    )
    risk_score = ma.fields.Decimal(
        required=True,
        allow_none=True,
        as_string=True,
        metadata={
            "description": "From 0 to 1; null if it was not screened",
            "type": "string",
            "example": "0.12",
        },
    )
    occurred_at = Timestamp(required=True, metadata={"description": "When it was decided (UTC)"})


FeedTransactionList = page_of(FeedTransactionOut)


class SumsOut(Schema):
    """Transactions in one currency."""

    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    approved = count("Approved transactions", 9641)
    declined = count("Declined transactions", 312)
    reviewed = count("Transactions that were put under review", 17)
    volume = MoneyOut(
        required=True,
        metadata={"description": "Sum of the approved transactions", "example": "192738.59"},
    )


class TotalsOut(SumsOut):
    average_amount = MoneyOut(
        required=True,
        allow_none=True,
        metadata={
            "description": "Average of the approved transactions; null without any",
            "example": "19.99",
        },
    )


class MinuteOut(Schema):
    starts_at = Timestamp(required=True, metadata={"description": "Beginning of the minute"})
    transactions = ma.fields.Integer(
        attribute="decided",
        required=True,
        metadata={"description": "Approved and declined transactions", "example": 42},
    )
    sums = ma.fields.List(
        ma.fields.Nested(SumsOut),
        required=True,
        metadata={"description": "The transactions of the minute by currency"},
    )


class RequestsOut(Schema):
    """Requests of clients that web processes have answered, as they measured them."""

    since = Timestamp(data_key="from", required=True)
    total = count("Requests", 48210)
    errors = count("Requests that were answered with a status of 500 or more", 3)
    p50_ms = number("Half of the requests took no longer, in milliseconds", 4.1)
    p90_ms = number("90 % of the requests took no longer", 11.8)
    p95_ms = number("95 % of the requests took no longer", 17.2)
    p99_ms = number("99 % of the requests took no longer; null without requests", 46.5)

    @ma.pre_dump
    def _percentiles(self, found: Any, **_: Any) -> dict[str, Any]:
        shares = {"p50_ms": 0.5, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99}
        percentiles = {name: found.percentile(share) for name, share in shares.items()}
        return {"since": found.since, "total": found.total, "errors": found.errors} | {
            name: None if value is None else round(value, 1) for name, value in percentiles.items()
        }


class UptimeOut(Schema):
    """Uptime, by checks of readiness every 10 seconds, in whole minutes."""

    since = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "First check; null if there was none"},
    )
    percent = number("Share of the checked minutes in which every check succeeded", 99.9861)
    min_percent = number("The same if all minutes without a check were down", 99.9612)
    checked_minutes = count("Minutes with a check", 43190)
    down_minutes = count("Minutes in which a check failed", 6)
    unknown_minutes = count("Minutes without a check, such as while the worker was stopped", 10)


class StatsOut(Schema):
    at = Timestamp(required=True, metadata={"description": "When it was read (UTC)"})
    total = ma.fields.Integer(
        attribute="decided",
        required=True,
        metadata={"description": "Approved and declined transactions so far", "example": 9953},
    )
    approved = count("Approved transactions", 9641)
    declined = count("Declined transactions", 312)
    reviewed = count("Transactions that were put under review; how it ended counts as well", 17)
    approval_rate = number("Per cent of `total` that were approved; null without any", 96.87)
    last_minute = count("Transactions in the last whole minute", 42)
    average_latency_ms = number(
        "From the arrival of a request to the decision about the transaction, on average of the"
        " last hour in milliseconds; null if it was not measured",
        8.31,
    )
    totals = ma.fields.List(
        ma.fields.Nested(TotalsOut),
        required=True,
        metadata={"description": "All transactions by currency"},
    )
    minutes = ma.fields.List(
        ma.fields.Nested(MinuteOut),
        required=True,
        metadata={
            "description": "Minutes of the last hour with transactions, newest first; the current"
            " one is not over"
        },
    )
    requests = ma.fields.Nested(
        RequestsOut, required=True, metadata={"description": "Requests of the last hour"}
    )
    uptime = ma.fields.Nested(
        UptimeOut, required=True, metadata={"description": "Uptime since the first check"}
    )


class BurnRateOut(Schema):
    window = ma.fields.String(
        required=True, metadata={"description": "Length of the window until now", "example": "1h"}
    )
    requests = count("Requests in the window", 48210)
    bad = count("Those that were not as they should be", 3)
    rate = number(
        "How fast the error budget is used up: at 1, exactly at the end of the period; null"
        " without requests",
        0.0622,
    )


class AlertOut(Schema):
    severity = Choice(
        Severity,
        required=True,
        metadata={"description": "Whether somebody is needed now or in days", "example": "PAGE"},
    )
    burn_rate = number("Rate above which it fires", 14.4, nullable=False)
    long = ma.fields.String(
        required=True,
        metadata={"description": "Window in which the rate is exceeded", "example": "1h"},
    )
    short = ma.fields.String(
        required=True,
        metadata={
            "description": "Window in which it is exceeded as well, while it goes on",
            "example": "5m",
        },
    )
    is_firing = ma.fields.Boolean(
        required=True, metadata={"description": "Whether both rates are exceeded"}
    )


class ObjectiveOut(Schema):
    name = Choice(ObjectiveName, required=True, metadata={"example": "AVAILABILITY"})
    target = number("Per cent of the requests that are to be good", 99.9, nullable=False)
    threshold_ms = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "Milliseconds after which a request is slow; null for availability",
            "example": 500,
        },
    )
    requests = count("Requests in the period", 21840301)
    bad = count("Those that failed, or were slow", 4102)
    allowed = count("Requests of this number that may be bad: the error budget", 21840)
    percent = number("Per cent of the requests that were good; null without requests", 99.9812)
    budget_left = number(
        "Per cent of the error budget that are left, negative if it is exceeded; null without"
        " requests",
        81.22,
    )
    is_met = ma.fields.Boolean(
        required=True, metadata={"description": "Whether the error budget is not exceeded"}
    )
    burn_rates = ma.fields.List(
        ma.fields.Nested(BurnRateOut),
        required=True,
        metadata={"description": "How fast it is used up, the shortest window first"},
    )
    alerts = ma.fields.List(
        ma.fields.Nested(AlertOut),
        required=True,
        metadata={"description": "The alerts of Prometheus, by the counts of the database"},
    )


class ObjectiveReportOut(Schema):
    since = Timestamp(data_key="from", required=True)
    until = Timestamp(data_key="to", required=True)
    objectives = ma.fields.List(
        ma.fields.Nested(ObjectiveOut),
        required=True,
        metadata={"description": "Availability and latency"},
    )
    uptime = ma.fields.Nested(
        UptimeOut, required=True, metadata={"description": "Uptime in the period"}
    )
