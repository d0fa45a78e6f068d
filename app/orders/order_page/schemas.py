"""Schemas of order pages."""

import marshmallow as ma

from app.common.fields import Schema


class OrderPageLinkOut(Schema):
    url = ma.fields.String(
        required=True,
        metadata={
            "description": "Shows the order, what was delivered and a receipt to everyone who has"
            " it; see `POST /orders/{order_id}/page/revoke`",
            "example": "http://localhost:3000/orders/AZk8Hnwae1KfbisPC29_EQAAp3mT0vKcH2nXw8yLr5sBgJkM",
        },
    )
