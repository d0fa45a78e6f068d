"""Schemas of goods of one unit: codes and licences."""

from typing import Any

import marshmallow as ma

from app.common.examples import EXAMPLE_ID
from app.common.fields import Schema, TextLines


class RevokeIn(Schema):
    reason = TextLines(
        required=True,
        max_length=500,
        metadata={"description": "Shown to the buyer", "example": "The key was published"},
    )


def revocation_fields() -> tuple[ma.fields.Field[Any], ma.fields.Field[Any]]:
    """The fields revocation_reason and replaced_by."""
    reason = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Why the merchant revoked it; null if a refund did, or nobody",
            "example": None,
        },
    )
    replaced_by = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={
            "description": "ID of what the buyer has instead; null if it was not reissued",
            "example": EXAMPLE_ID,
        },
    )
    return reason, replaced_by
