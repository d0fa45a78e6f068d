"""Schemas of cases, for administrators, and of reviews, for payers."""

from typing import Any

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.examples import EXAMPLE_ID
from app.common.fields import Choice, MoneyOut, ObjectType, Schema, Timestamp, serializes
from app.common.money import format_minor
from app.common.pagination import page_of
from app.risk.models import CaseStatus, PaymentKind, RiskCase


class ReviewOut(Schema):
    """A payment as its payer sees it while it is under review. Never says why."""

    object = ObjectType("review")
    id = ma.fields.UUID(required=True, metadata={"example": EXAMPLE_ID})
    status = ma.fields.String(
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
        "status": "PENDING_REVIEW" if is_open else case.status,
        "kind": case.kind,
        "amount": format_minor(case.amount, case.currency),
        "currency": case.currency,
        "payeeId": case.payee_id,
        "resultId": case.result_id or case.reference_id,
        "createdAt": format_timestamp(case.created_at),
        "expiresAt": format_timestamp(case.expires_at),
        "decidedAt": format_timestamp(case.decided_at),
    }
