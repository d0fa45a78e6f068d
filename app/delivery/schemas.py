"""Schema of a delivery."""

from typing import Final

import marshmallow as ma

from app.common.fields import Choice, Schema
from app.delivery.service import HANDLERS
from app.products.models import ProductKind


class _DeliveryFields(Schema):
    order_id = ma.fields.UUID(required=True)
    kind = Choice(ProductKind, required=True, metadata={"example": "CODES"})
    units = ma.fields.Integer(required=True, metadata={"description": "Units not refunded"})
    order_number = ma.fields.String(required=True)


#: These, and the fields of every handler.
DeliveryOut: Final = _DeliveryFields.from_dict(
    {
        name: field
        for handler in HANDLERS.values()
        for name, field in handler.schema().fields.items()
    },
    name="DeliveryOut",
)
