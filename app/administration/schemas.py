"""Schemas that several lists of administrators share."""

from typing import Final

import marshmallow as ma

from app.common.fields import Id, Schema

SHOP_NAME: Final = {"description": "Name of the merchant's shop; null without"}


class UserSummaryOut(Schema):
    """Who it is, as far as needed to recognize them."""

    id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True, allow_none=True)
    first_name = ma.fields.String(required=True, allow_none=True)
    last_name = ma.fields.String(required=True, allow_none=True)
    shop_name = ma.fields.String(required=True, allow_none=True, metadata=SHOP_NAME)


def id_filter(description: str) -> Id:
    """A query parameter: only rows with this ID."""
    return Id(metadata={"description": description})
