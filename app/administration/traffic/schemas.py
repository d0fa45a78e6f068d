"""Schemas of simulated traffic."""

from typing import Final

import marshmallow as ma

from app.administration.traffic.service import TrafficStatus
from app.common.fields import Choice, Schema, WholeNumber

_MIN_INTERVAL: Final = 50
_MAX_INTERVAL: Final = 3_600_000


class StartTrafficIn(Schema):
    interval = WholeNumber(
        minimum=_MIN_INTERVAL,
        maximum=_MAX_INTERVAL,
        load_default=2000,
        metadata={
            "description": "Milliseconds between two transactions, on average",
            "example": 2000,
        },
    )


class TrafficOut(Schema):
    interval = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "Milliseconds between two transactions, on average; null while none"
            " are made",
            "example": 2000,
        },
    )
    made = ma.fields.Integer(
        required=True, metadata={"description": "Transactions since the simulator started"}
    )
    approved = ma.fields.Integer(
        required=True, metadata={"description": "Those of them that were approved"}
    )
    declined = ma.fields.Integer(
        required=True, metadata={"description": "Those of them that were declined"}
    )
    under_review = ma.fields.Integer(
        required=True, metadata={"description": "Those of them that wait for a review"}
    )
    failed = ma.fields.Integer(
        required=True, metadata={"description": "Requests that failed for technical reasons"}
    )


class MadeTransactionOut(Schema):
    user_id = ma.fields.UUID(required=True, metadata={"description": "ID of the payer"})
    amount = ma.fields.String(
        required=True, metadata={"description": "Its amount", "example": "17.50"}
    )
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    status = Choice(
        TrafficStatus,
        required=True,
        metadata={"description": "What was decided", "example": "APPROVED"},
    )
    decline_reason = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Code of the error that declined it",
            "example": "INSUFFICIENT_FUNDS",
        },
    )
