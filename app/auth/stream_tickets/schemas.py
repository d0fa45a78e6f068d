"""Schemas of stream tickets."""

import marshmallow as ma

from app.common.fields import Schema, Timestamp


class StreamTicketOut(Schema):
    ticket = ma.fields.String(
        required=True,
        metadata={
            "description": "Opens one stream, as `?ticket=…` of its address",
            "example": "kX0uF2mM8lD5cQvJ3nTz7wRbY1sHgPaE9iLoCqUxNfk",
        },
    )
    expires_at = Timestamp(
        required=True, metadata={"description": "Until when it can be used (UTC)"}
    )
