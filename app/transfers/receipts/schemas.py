"""Schemas of receipts."""

import marshmallow as ma

from app.common.fields import Schema


class ReceiptLinkOut(Schema):
    url = ma.fields.String(
        required=True,
        metadata={
            "description": "Shows to everyone who has it what was paid, to whom and when; see"
            " `POST /transfers/{transfer_id}/receipt/revoke`",
            "example": "http://localhost:3000/receipts/AZk8Hnwae1KfbisPC29_EQAAp3mT0vKcH2nXw8yLr5sBgJkM",
        },
    )
