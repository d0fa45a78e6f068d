"""Schemas of rules, lists and decisions."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import marshmallow as ma

from app.common.fields import Amount, Choice, MoneyOut, Schema, Text, TextLines, Timestamp
from app.common.pagination import PageArgs, page_of
from app.risk.evaluation import MAX_WEIGHT
from app.risk.models import (
    ListKind,
    ListName,
    Outcome,
    PaymentKind,
    RuleOutcome,
    RuleStatus,
)
from app.risk.screening import format_score

_CONDITIONS: Final = {
    "description": 'A group, `{"all": [...]}` or `{"any": [...]}`, of conditions and groups. A'
    " condition has a `field`, an `operator`, a `value` and, for fields that look back, a `window`:"
    " docs/risk.md lists them",
    "example": {
        "all": [
            {"field": "type", "operator": "=", "value": "TRANSFER"},
            {"field": "count", "operator": ">", "value": 10, "window": "MINUTE"},
        ]
    },
}
_KEY: Final = {
    "description": "Name of the rule, the same for all of its versions",
    "example": "transfer-velocity",
}


class Weight(Amount):
    """0 to 1 with at most 3 decimals, loaded as thousandths."""

    default_error_messages = {"weight": "Must be 0 to 1, with at most 3 decimals."}  # noqa: RUF012

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            zero_allowed=True,
            metadata={
                "description": "What a match adds to the score, 0 to 1: several weights add up to"
                " less than 1",
                "example": "0.4",
            },
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        weight: Decimal = super()._deserialize(value, attr, data, **kwargs)
        thousandths = weight * MAX_WEIGHT
        if thousandths > MAX_WEIGHT or thousandths != thousandths.to_integral_value():
            raise self.make_error("weight")
        return int(thousandths)


class WeightOut(ma.fields.Field[int]):
    """Thousandths as a decimal string."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value // MAX_WEIGHT}.{value % MAX_WEIGHT:03}"


class ScoreOut(ma.fields.Field[int]):
    """Ten-thousandths as a decimal string."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else format_score(value)


class ReasonsOut(Schema):
    rules = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "Rules that matched, with their version"},
    )
    shadow = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "Rules in shadow that matched, which had no effect"},
    )
    skipped = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "Rules that failed and were skipped"},
    )


def all_reasons(stored: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """What ReasonsOut describes, of the reasons of a decision."""
    return {name: (stored or {}).get(name, []) for name in ("rules", "shadow", "skipped")}


class UpdateRiskRuleIn(Schema):
    name = Text(max_length=100, metadata={"example": "Many transfers in a minute"})
    description = TextLines(
        max_length=1000,
        allow_none=True,
        metadata={"example": "Stolen cards are emptied in a hurry"},
    )
    conditions = ma.fields.Dict(keys=ma.fields.String(), metadata=_CONDITIONS)
    outcome = ma.fields.String(
        validate=ma.validate.OneOf(list(RuleOutcome)),
        metadata={
            "description": "What a match demands. SCORE: nothing but the weight; APPROVE: no other"
            " rule counts",
            "example": "REVIEW",
        },
    )
    weight = Weight()


class CreateRiskRuleIn(UpdateRiskRuleIn):
    key = ma.fields.String(
        required=True,
        validate=(
            ma.validate.Length(1, 50),
            ma.validate.Regexp(
                r"[a-z0-9]+(-[a-z0-9]+)*\Z",
                error="Must be lower-case letters and digits, joined by single hyphens.",
            ),
        ),
        metadata=_KEY,
    )
    name = Text(max_length=100, required=True, metadata={"example": "Many transfers in a minute"})
    description = TextLines(
        max_length=1000,
        allow_none=True,
        load_default=None,
        metadata={"example": "Stolen cards are emptied in a hurry"},
    )
    conditions = ma.fields.Dict(keys=ma.fields.String(), required=True, metadata=_CONDITIONS)
    outcome = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(RuleOutcome)),
        metadata={
            "description": "What a match demands. SCORE: nothing but the weight; APPROVE: no other"
            " rule counts",
            "example": "REVIEW",
        },
    )
    weight = Weight(load_default=0)


class RuleOut(Schema):
    id = ma.fields.UUID(required=True)
    key = ma.fields.String(required=True, metadata=_KEY)
    version = ma.fields.Integer(
        required=True, metadata={"description": "Version of the rule, from 1", "example": 1}
    )
    name = ma.fields.String(required=True)
    description = ma.fields.String(required=True, allow_none=True)
    conditions = ma.fields.Dict(required=True, metadata=_CONDITIONS)
    outcome = Choice(RuleOutcome, required=True, metadata={"example": "REVIEW"})
    weight = WeightOut(
        required=True,
        metadata={"description": "What a match adds to the score", "example": "0.400"},
    )
    status = Choice(
        RuleStatus,
        required=True,
        metadata={
            "description": "DRAFT can be changed; SHADOW is evaluated without effect; ACTIVE"
            " decides; RETIRED is kept for the decisions that refer to it",
            "example": "ACTIVE",
        },
    )
    created_by = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "ID of the administrator, null for what was installed"},
    )
    activation_requested_by = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "ID of the administrator who requested the activation"},
    )
    activated_by = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "ID of the administrator who activated it"},
    )
    created_at = Timestamp(required=True)
    activated_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "When it became active"}
    )
    retired_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "When it was retired"}
    )


RuleList = page_of(RuleOut)


class RulesArgs(PageArgs):
    status = ma.fields.String(
        validate=ma.validate.OneOf(list(RuleStatus)),
        metadata={"description": "Only rules with this status"},
    )
    key = ma.fields.String(
        validate=ma.validate.Length(1, 50),
        metadata={"description": "Only the versions of this rule"},
    )


class AddRiskListEntryIn(Schema):
    list_name = ma.fields.String(
        data_key="list",
        required=True,
        validate=ma.validate.OneOf(list(ListName)),
        metadata={"description": "ALLOW or BLOCK", "example": "BLOCK"},
    )
    kind = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(ListKind)),
        metadata={"description": "What the value is", "example": "EMAIL_DOMAIN"},
    )
    value = Text(
        max_length=300,
        required=True,
        metadata={
            "description": "ID of a user, an IP address, a domain of email addresses, or a device"
            " by its ID or, to block it, its `User-Agent`",
            "example": "mailinator.com",
        },
    )
    reason = TextLines(max_length=500, required=True, metadata={"example": "Disposable addresses"})
    expires_at = Timestamp(
        allow_none=True,
        metadata={
            "description": "When it expires, null or absent for never",
            "example": "2027-01-01T00:00:00Z",
        },
    )


class EntryOut(Schema):
    id = ma.fields.UUID(required=True)
    list_name = Choice(
        ListName,
        attribute="list",
        data_key="list",
        required=True,
        metadata={"description": "The list that it is on", "example": "BLOCK"},
    )
    kind = Choice(
        ListKind,
        required=True,
        metadata={"description": "What the value is", "example": "EMAIL_DOMAIN"},
    )
    value = ma.fields.String(
        required=True, metadata={"description": "What is listed", "example": "mailinator.com"}
    )
    reason = ma.fields.String(required=True)
    expires_at = Timestamp(required=True, allow_none=True)
    created_by = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "ID of the administrator"}
    )
    created_at = Timestamp(required=True)


EntryList = page_of(EntryOut)


class EntriesArgs(PageArgs):
    list_name = ma.fields.String(
        data_key="list",
        validate=ma.validate.OneOf(list(ListName)),
        metadata={"description": "Only entries of this list"},
    )
    kind = ma.fields.String(
        validate=ma.validate.OneOf(list(ListKind)),
        metadata={"description": "Only entries of this kind"},
    )


class RiskDecisionOut(Schema):
    id = ma.fields.UUID(
        required=True,
        metadata={"description": "The `reference` of the error that the payer received"},
    )
    outcome = Choice(
        Outcome,
        required=True,
        metadata={
            "description": "Outcome of the attempt. REFUSED: for another reason than risk,"
            " without screening",
            "example": "DECLINE",
        },
    )
    code = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Code of the error that refused it; null if it was accepted",
            "example": "RISK_DECLINED",
        },
    )
    kind = Choice(PaymentKind, required=True, metadata={"example": "TRANSFER"})
    amount = MoneyOut(required=True, metadata={"example": "6000.00"})
    currency = ma.fields.String(required=True)
    user_id = ma.fields.UUID(required=True, metadata={"description": "ID of the payer"})
    payee_id = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "The user who is paid"}
    )
    score = ScoreOut(
        required=True,
        allow_none=True,
        metadata={"description": "Score, 0 to 1; null if it was not screened", "example": "0.6000"},
    )
    ruleset = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Version of the rules in force; null if it was not screened"},
    )
    reasons = ma.fields.Nested(
        ReasonsOut, required=True, metadata={"description": "The rules that matched"}
    )
    inputs = ma.fields.Dict(
        required=True, metadata={"description": "What the rules read about the payment"}
    )
    latency_us = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Microseconds that the evaluation took"},
    )
    created_at = Timestamp(required=True)
