"""Schemas of cases, for administrators, and of reviews, for payers."""

from enum import StrEnum
from typing import Any

import marshmallow as ma

from app.auth.user_summaries import UserSummaryOut
from app.common.clock import format_timestamp
from app.common.csv_documents import CsvArgs
from app.common.examples import EXAMPLE_ID
from app.common.fields import (
    Choice,
    Flag,
    Id,
    MoneyOut,
    ObjectType,
    Schema,
    TextLines,
    Timestamp,
    serializes,
)
from app.common.money import format_minor
from app.common.pagination import SortablePageArgs, page_of
from app.risk.models import CaseStatus, PaymentKind, RiskCase
from app.risk.schemas import ReasonsOut, ScoreOut


class ReviewStatus(StrEnum):
    """The status of a case, as its payer sees it."""

    PENDING_REVIEW = "PENDING_REVIEW"
    RELEASED = "RELEASED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class ReviewOut(Schema):
    """A payment as its payer sees it while it is under review. Never says why."""

    object = ObjectType("review")
    id = ma.fields.UUID(required=True, metadata={"example": EXAMPLE_ID})
    status = Choice(
        ReviewStatus,
        required=True,
        metadata={
            "description": "`PENDING_REVIEW`, `RELEASED`, `REJECTED`, or `EXPIRED` if it was not"
            " reviewed in time, which rejects it",
            "example": "PENDING_REVIEW",
        },
    )
    kind = Choice(PaymentKind, required=True, metadata={"example": "TRANSFER"})
    amount = MoneyOut(required=True, metadata={"example": "6000.00"})
    currency = ma.fields.String(required=True)
    payee_id = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "The user who is paid"}
    )
    result_id = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={
            "description": "ID of what the release has created, such as a transfer; of the order"
            " from the beginning"
        },
    )
    created_at = Timestamp(required=True)
    expires_at = Timestamp(
        required=True, metadata={"description": "When it is rejected unless it was reviewed"}
    )
    decided_at = Timestamp(required=True, allow_none=True)


ReviewList = page_of(ReviewOut)


@serializes(ReviewOut)
def review_out(case: RiskCase) -> dict[str, Any]:
    """What ReviewOut describes."""
    is_open = case.status == CaseStatus.OPEN
    return {
        "object": "review",
        "id": case.id,
        "status": ReviewStatus.PENDING_REVIEW if is_open else case.status,
        "kind": case.kind,
        "amount": format_minor(case.amount, case.currency),
        "currency": case.currency,
        "payeeId": case.payee_id,
        "resultId": case.result_id or case.reference_id,
        "createdAt": format_timestamp(case.created_at),
        "expiresAt": format_timestamp(case.expires_at),
        "decidedAt": format_timestamp(case.decided_at),
    }


class CaseSummaryOut(Schema):
    id = ma.fields.UUID(required=True)
    status = Choice(CaseStatus, required=True, metadata={"example": "OPEN"})
    kind = Choice(PaymentKind, required=True, metadata={"example": "PURCHASE"})
    amount = MoneyOut(required=True, metadata={"example": "6000.00"})
    currency = ma.fields.String(required=True)
    user_id = ma.fields.UUID(required=True, metadata={"description": "ID of the payer"})
    payee_id = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "The user who is paid"}
    )
    reference_id = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "ID of the order that waits"}
    )
    hold_id = ma.fields.UUID(required=True, metadata={"description": "ID of the hold of the money"})
    score = ScoreOut(
        required=True, metadata={"description": "Score of the payment, 0 to 1", "example": "0.6000"}
    )
    assigned_to = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "ID of the administrator who works on it"},
    )
    snoozed_until = Timestamp(
        required=True, allow_none=True, metadata={"description": "When it is in the queue again"}
    )
    decided_by = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "ID of the administrator who decided, null if it expired"},
    )
    reason = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Why it was decided so"}
    )
    result_id = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "ID of what the release has created"},
    )
    created_at = Timestamp(required=True)
    expires_at = Timestamp(required=True)
    decided_at = Timestamp(required=True, allow_none=True)


class ListedCaseOut(CaseSummaryOut):
    """A case with its payer."""

    payer = ma.fields.Nested(
        UserSummaryOut, required=True, metadata={"description": "The user whose money is held"}
    )

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        return super().get_attribute(obj if attr == "payer" else obj.case, attr, default)


CaseList = page_of(ListedCaseOut)


class NoteOut(Schema):
    author_id = ma.fields.UUID(required=True, metadata={"description": "ID of the administrator"})
    text = ma.fields.String(required=True, metadata={"description": "What was noted"})
    created_at = Timestamp(required=True)


class CaseOut(Schema):
    case = ma.fields.Nested(
        CaseSummaryOut, required=True, metadata={"description": "The case itself"}
    )
    reasons = ma.fields.Nested(
        ReasonsOut, required=True, metadata={"description": "Why it is under review"}
    )
    inputs = ma.fields.Dict(
        required=True, metadata={"description": "What the rules have read about the payment"}
    )
    notes = ma.fields.List(
        ma.fields.Nested(NoteOut),
        required=True,
        metadata={"description": "Notes of administrators, oldest first"},
    )


class _CaseFilters(Schema):
    status = ma.fields.String(
        validate=ma.validate.OneOf(list(CaseStatus)),
        metadata={"description": "Only cases with this status"},
    )
    assigned_to = Id(metadata={"description": "Only cases of this administrator"})
    with_snoozed = Flag(
        load_default=True, metadata={"description": "Whether snoozed cases are included"}
    )


class CasesArgs(SortablePageArgs, _CaseFilters):
    pass


class ExportCasesArgs(CsvArgs, _CaseFilters):
    pass


class AssignCaseIn(Schema):
    assignee_id = Id(
        required=True,
        allow_none=True,
        metadata={
            "description": "ID of the administrator, null for nobody",
            "example": EXAMPLE_ID,
        },
    )


class SnoozeCaseIn(Schema):
    until = Timestamp(
        required=True,
        metadata={"description": "Before the case expires", "example": "2026-12-01T12:00:00Z"},
    )


class AddCaseNoteIn(Schema):
    text = TextLines(
        max_length=2000,
        required=True,
        metadata={
            "description": "What is noted; the payer does not see it",
            "example": "Called the buyer, who confirmed it",
        },
    )


class ReleaseCaseIn(Schema):
    reason = TextLines(max_length=500, allow_none=True, metadata={"example": "Known customer"})
