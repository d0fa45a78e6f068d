"""Who somebody is, as administrators see it in lists."""

from typing import Final

import marshmallow as ma

from app.common.fields import Schema

SHOP_NAME: Final = {"description": "Name of the merchant's shop; null without"}


class UserSummaryOut(Schema):
    """Who it is, as far as administrators need to recognize them."""

    id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True, allow_none=True)
    first_name = ma.fields.String(required=True, allow_none=True)
    last_name = ma.fields.String(required=True, allow_none=True)
    shop_name = ma.fields.String(required=True, allow_none=True, metadata=SHOP_NAME)
