"""Schemas of backtests."""

from typing import Any, Final

import marshmallow as ma

from app.common.examples import EXAMPLE_ID
from app.common.fields import Choice, Id, MoneyOut, Schema, Timestamp
from app.common.pagination import page_of
from app.risk.backtests import report
from app.risk.backtests.models import BacktestStatus
from app.risk.models import Outcome, PaymentKind
from app.risk.past import Ending

_VALUE: Final = {
    "description": "Sum by currency, as decimal strings",
    "example": {"USD": "1250.00"},
}


def _values(**metadata: Any) -> ma.fields.Dict:
    return ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        required=True,
        metadata=_VALUE | metadata,
    )


def _count(description: str, example: int) -> ma.fields.Integer:
    return ma.fields.Integer(
        required=True, metadata={"description": description, "example": example}
    )


class CreateRiskBacktestIn(Schema):
    rule_id = Id(
        required=True,
        metadata={
            "description": "The version of a rule, usually a draft",
            "example": EXAMPLE_ID,
        },
    )
    since = Timestamp(
        data_key="from",
        required=True,
        metadata={"description": "Attempts from this time on", "example": "2026-11-01T00:00:00Z"},
    )
    until = Timestamp(
        data_key="to",
        metadata={
            "description": "Attempts before this time; now by default",
            "example": "2026-11-26T00:00:00Z",
        },
    )


class EndingCountOut(Schema):
    count = _count("Attempts", 12)
    value = _values()


class EndingsOut(Schema):
    """What became of the attempts that the version would have stopped."""

    refunded = ma.fields.Nested(
        EndingCountOut,
        required=True,
        metadata={"description": "Paid, and refunded at least in part"},
    )
    rejected = ma.fields.Nested(
        EndingCountOut, required=True, metadata={"description": "Rejected in a review"}
    )
    failed = ma.fields.Nested(
        EndingCountOut,
        required=True,
        metadata={
            "description": "Declined by the rules of the time, not reviewed in time, or failed"
            " afterwards: nobody knows whether they were good"
        },
    )
    pending = ma.fields.Nested(
        EndingCountOut,
        required=True,
        metadata={"description": "Under review, or not executed yet"},
    )
    fine = ma.fields.Nested(
        EndingCountOut,
        required=True,
        metadata={"description": "Nothing bad is known: stopping them is a mistake"},
    )


class MistakeOut(Schema):
    mistake = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["BLOCKED", "MISSED"]),
        metadata={
            "description": "BLOCKED: it was fine and would be stopped; MISSED: it was refunded or"
            " rejected, and nothing would stop it",
            "example": "BLOCKED",
        },
    )
    decision_id = ma.fields.UUID(required=True, metadata={"description": "ID of the decision"})
    user_id = ma.fields.UUID(required=True, metadata={"description": "ID of the payer"})
    kind = Choice(PaymentKind, required=True, metadata={"example": "PURCHASE"})
    amount = MoneyOut(required=True)
    currency = ma.fields.String(required=True)
    outcome = Choice(
        Outcome,
        required=True,
        metadata={"description": "What would be decided", "example": "REVIEW"},
    )
    ending = Choice(
        Ending, required=True, metadata={"description": "What became of it", "example": "FINE"}
    )
    reasons = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "Rules that match, with their version"},
    )
    created_at = Timestamp(required=True)


class BacktestSideOut(Schema):
    """What one version of the rule decides, together with the other rules in force."""

    matched = _count("Attempts that the version matches", 130)
    reviewed = _count("Of these, attempts that are held for review", 40)
    declined = _count("Of these, attempts that are declined", 2)
    blocked = _values(description="Value of the attempts that are stopped, by currency")
    endings = ma.fields.Nested(
        EndingsOut,
        required=True,
        metadata={"description": "What became of the attempts that are stopped"},
    )
    precision = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The part of the stopped attempts that was refunded or rejected, of"
            " those that were refunded, rejected or fine; null without any",
            "example": "0.8571",
        },
    )
    missed = ma.fields.Nested(
        EndingCountOut,
        required=True,
        metadata={"description": "Refunded or rejected attempts that nothing stops"},
    )
    all_reviewed = _count("Attempts that any rule holds for review", 55)
    all_declined = _count("Attempts that any rule declines", 4)
    mistakes = ma.fields.List(
        ma.fields.Nested(MistakeOut),
        required=True,
        metadata={
            "description": f"The {report.MAX_MISTAKES} most expensive mistakes of each currency"
        },
    )


class BacktestOut(Schema):
    id = ma.fields.UUID(required=True)
    status = Choice(
        BacktestStatus,
        required=True,
        metadata={"description": "COMPLETED once all is evaluated", "example": "COMPLETED"},
    )
    progress = _count("How much of the period is evaluated, in per cent", 100)
    rule_id = ma.fields.UUID(required=True, metadata={"description": "ID of the version"})
    key = ma.fields.String(
        required=True, metadata={"description": "Key of the rule", "example": "transfer-velocity"}
    )
    version = _count("Version of the rule as it was when the backtest began", 2)
    ruleset = _count("Version of the rules in force that it is compared with", 17)
    starts_at = Timestamp(required=True, metadata={"description": "Beginning of the period"})
    ends_at = Timestamp(required=True, metadata={"description": "End of the period, exclusive"})
    evaluated = _count("Attempts that were evaluated", 9_400)
    not_evaluable = _count(
        "Attempts for which the version, or the active one, reads something that was not stored"
        " and cannot be computed. They count nowhere else",
        120,
    )
    skipped = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata={
            "description": "Attempts for which another rule could not be evaluated, by rule: on"
            " both sides they are decided without it",
            "example": {"device@1": 12},
        },
    )
    draft = ma.fields.Nested(
        BacktestSideOut, required=True, metadata={"description": "With the version"}
    )
    active = ma.fields.Nested(
        BacktestSideOut,
        required=True,
        metadata={"description": "With the version that is active, the rules as they are"},
    )
    created_by = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "ID of the administrator"}
    )
    created_at = Timestamp(required=True)
    finished_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When it was completed, null while it is running"},
    )


BacktestList = page_of(BacktestOut)
