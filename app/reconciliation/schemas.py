"""Schemas of reconciliations."""

import re
from datetime import date
from typing import Any, Final

import marshmallow as ma

from app.common.csv_documents import CsvArgs
from app.common.examples import EXAMPLE_ID
from app.common.fields import Flag, Text, serializes
from app.common.money import EXPONENTS
from app.common.time_zone import UTC_ZONE, TimeZone
from app.reconciliation import layout, report
from app.reconciliation.comparison import Action, Outcome
from app.reconciliation.service import Report
from app.reconciliation.statement import Direction, Format

#: The maximum number of rows in JSON; the CSV has all of them.
MAX_ROWS: Final = 1_000

STATEMENT_EXAMPLE: Final = (
    f"{','.join(layout.OURS)}\r\n2026-11-21,{EXAMPLE_ID},HDFC-7F3A21,DEBIT,25.00,USD,BOOKED\r\n"
)


class Day(ma.fields.Date):
    """A calendar date (ISO 8601) in the form `2026-11-21` only."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise self.make_error("invalid", input=value, obj_type="date")
        return super()._deserialize(value, attr, data, **kwargs)


class ReconciliationArgs(CsvArgs):
    provider = ma.fields.String(
        required=True,
        metadata={"description": "Code of the bank", "example": "HDFC"},
    )
    since = Day(
        data_key="from",
        metadata={
            "description": "From this day on (inclusive); default: the first day of the statement",
            "example": "2026-11-01",
        },
    )
    until = Day(
        data_key="to",
        metadata={
            "description": "Before this day (exclusive); default: the day after the last of"
            " the statement",
            "example": "2026-12-01",
        },
    )
    time_zone = TimeZone(
        load_default=UTC_ZONE.key,
        metadata={
            "description": "IANA name of the time zone whose days the bank goes by. Our records"
            " that the statement lacks are looked for on these days"
        },
    )
    currency = ma.fields.String(
        validate=ma.validate.OneOf(list(EXPONENTS)),
        metadata={
            "description": "Currency of a statement without a column for it; default: the shop's",
            "example": "INR",
        },
    )
    columns = Text(
        max_length=1000,
        metadata={
            "description": "Names of the columns of a bank whose format is not known, by their"
            f" meaning ({', '.join(layout.NAMES)}), such as"
            " `date:Buchungstag,text:Verwendungszweck,debit:Soll,credit:Haben` (with"
            " `decimalComma`)",
        },
    )
    decimal_comma = Flag(
        load_default=False,
        metadata={"description": "Whether amounts are written as `1.250,00`"},
    )
    month_first = Flag(
        load_default=False,
        metadata={"description": "Whether dates are written as `11/26/2026`"},
    )
    apply = Flag(
        load_default=False,
        metadata={"description": "Whether to settle differences that are safe, at most 500"},
    )
    form = ma.fields.String(
        data_key="format",
        load_default="json",
        validate=ma.validate.OneOf(["json", "csv"]),
        metadata={"description": "`csv` includes matching lines"},
    )

    @ma.post_load
    def _written(self, args: dict[str, Any], **_: Any) -> dict[str, Any]:
        pairs = [part.partition(":") for part in args.pop("columns", "").split(",") if part]
        return args | {
            "written": Format(
                columns=[(meaning.strip(), name) for meaning, _, name in pairs],
                decimal_comma=args.pop("decimal_comma"),
                month_first=args.pop("month_first"),
            )
        }


class ReconciliationRowOut(ma.Schema):
    """A difference: the bank's values, then ours."""

    outcome = ma.fields.String(
        required=True, validate=ma.validate.OneOf(list(Outcome)), metadata={"example": "MATCHED"}
    )
    action = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(Action)),
        metadata={"description": "What was done; CAN_CLOSE if `apply` would settle it"},
    )
    line = ma.fields.Integer(required=True, allow_none=True)
    date = ma.fields.Date(required=True, allow_none=True)
    direction = ma.fields.String(required=True, validate=ma.validate.OneOf(list(Direction)))
    reference = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Ours; null if the bank does not state it"},
    )
    bankReference = ma.fields.String(required=True, allow_none=True)  # noqa: N815 – as in JSON
    amount = ma.fields.String(required=True, allow_none=True)
    currency = ma.fields.String(required=True, allow_none=True)
    ourAmount = ma.fields.String(required=True, allow_none=True)  # noqa: N815
    ourCurrency = ma.fields.String(required=True, allow_none=True)  # noqa: N815
    ourStatus = ma.fields.String(required=True, allow_none=True)  # noqa: N815
    ourId = ma.fields.UUID(required=True, allow_none=True)  # noqa: N815


class ReconciliationOut(ma.Schema):
    """The findings. `rows` contains the first 1,000 differences."""

    provider = ma.fields.String(required=True)
    since = ma.fields.Date(data_key="from", required=True)
    until = ma.fields.Date(data_key="to", required=True, metadata={"description": "Exclusive"})
    counts = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata={
            "description": "Findings by outcome and by action; lines of the statement outside the"
            " period",
            "example": {"matched": 17, "missingHere": 1, "outsidePeriod": 0},
        },
    )
    rows = ma.fields.List(ma.fields.Nested(ReconciliationRowOut), required=True)
    time_zone = ma.fields.String(
        data_key="timeZone",
        required=True,
        metadata={"description": "Time zone of the days", "example": "Asia/Kolkata"},
    )


@serializes(ReconciliationOut)
def report_out(found: Report) -> dict[str, Any]:
    """As ReconciliationOut describes it."""
    return {
        "provider": found.provider,
        "from": found.since.isoformat(),
        "to": found.until.isoformat(),
        "counts": report.counts(found),
        "rows": [report.to_row(finding) for finding in found.differences[:MAX_ROWS]],
        "timeZone": found.time_zone,
    }
