"""Schemas of statements."""

from typing import Any

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.csv_documents import CsvArgs
from app.common.fields import Choice, DayOrTime, MoneyOut, Schema, Timestamp, serializes
from app.common.money import format_minor
from app.common.time_range import ReportRangeArgs
from app.statements.service import Statement
from app.wallets.models import TransactionType
from app.wallets.schemas import TransactionOut

FORMATS = ("json", "csv", "pdf")


class StatementArgs(CsvArgs, ReportRangeArgs):
    since = DayOrTime(
        data_key="from",
        metadata={
            "description": "From this day or time on (inclusive); default: 30 times 24 hours before"
            " `to`"
        },
    )
    until = DayOrTime(
        data_key="to",
        metadata={"description": "Before this day or time (exclusive); default and maximum: now"},
    )
    format = ma.fields.String(
        load_default="json",
        validate=ma.validate.OneOf(FORMATS),
        metadata={"description": "Format of the statement"},
    )


class StatementHolderOut(Schema):
    id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True, allow_none=True)
    phone = ma.fields.String(required=True, allow_none=True)
    first_name = ma.fields.String(required=True, allow_none=True)
    last_name = ma.fields.String(required=True, allow_none=True)
    shop_name = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Name of a merchant's shop", "example": "Corner Bakery"},
    )


class StatementTotalOut(Schema):
    type = Choice(TransactionType, required=True, metadata={"example": "PAYMENT"})
    count = ma.fields.Integer(required=True, metadata={"example": 3})
    amount_in = MoneyOut(required=True, metadata={"example": "0.00"})
    amount_out = MoneyOut(required=True, metadata={"example": "59.97"})


class StatementHeadOut(Schema):
    wallet_id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True, metadata={"example": "482109375513"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    holder = ma.fields.Nested(StatementHolderOut, required=True)
    since = Timestamp(data_key="from", required=True)
    until = Timestamp(data_key="to", required=True)
    issued_at = Timestamp(required=True)
    opening_balance = MoneyOut(required=True, metadata={"example": "100.00"})
    closing_balance = MoneyOut(required=True, metadata={"example": "40.03"})
    count = ma.fields.Integer(required=True, metadata={"example": 3})
    totals = ma.fields.List(ma.fields.Nested(StatementTotalOut), required=True)
    time_zone = ma.fields.String(
        required=True,
        metadata={
            "description": "Time zone of dates in `from` and `to`, and of the times of CSV and PDF",
            "example": "Asia/Kolkata",
        },
    )


class StatementOut(StatementHeadOut):
    transactions = ma.fields.List(
        ma.fields.Nested(TransactionOut), required=True, metadata={"description": "Oldest first"}
    )


@serializes(StatementHeadOut)
def head_out(statement: Statement) -> dict[str, Any]:
    """Serialize as StatementHeadOut describes: a statement without its transactions."""
    wallet, holder, currency = statement.period.wallet, statement.holder, statement.currency
    return {
        "walletId": wallet.id,
        "number": wallet.number,
        "currency": currency,
        "holder": {
            "id": holder.id,
            "email": holder.email,
            "phone": holder.phone,
            "firstName": holder.first_name,
            "lastName": holder.last_name,
            "shopName": holder.shop_name,
        },
        "from": format_timestamp(statement.since),
        "to": format_timestamp(statement.until),
        "issuedAt": format_timestamp(statement.issued_at),
        "openingBalance": format_minor(statement.opening, currency),
        "closingBalance": format_minor(statement.closing, currency),
        "count": statement.period.count,
        "totals": [
            {
                "type": total.type,
                "count": total.count,
                "amountIn": format_minor(total.incoming, currency),
                "amountOut": format_minor(total.outgoing, currency),
            }
            for total in statement.totals
        ],
        "timeZone": statement.time_zone,
    }
