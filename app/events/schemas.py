"""Schemas of the documentation of events."""

import marshmallow as ma

from app.common.fields import Schema, WholeNumber


class EventSchemaArgs(Schema):
    version = WholeNumber(
        minimum=1,
        metadata={"description": "Version of the type; the current one without", "example": 1},
    )


class EventTypeOut(Schema):
    type = ma.fields.String(
        required=True,
        metadata={
            "description": "Name of the type, and of its topic or stream",
            "example": "order-completed",
        },
    )
    aggregate = ma.fields.String(
        required=True, metadata={"description": "What it happens to", "example": "order"}
    )
    version = ma.fields.Integer(
        required=True,
        metadata={
            "description": "Raised when a field is removed or changes its meaning",
            "example": 1,
        },
    )
    description = ma.fields.String(
        required=True, metadata={"description": "When it is sent", "example": "An order was paid."}
    )
    schema_url = ma.fields.String(
        required=True, metadata={"description": "Address of the JSON Schema of its data"}
    )


class EventTypesOut(Schema):
    data = ma.fields.List(
        ma.fields.Nested(EventTypeOut),
        required=True,
        metadata={"description": "All types, in alphabetical order"},
    )
