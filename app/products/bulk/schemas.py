"""Schemas of bulk import and export."""

import marshmallow as ma

from app.common.fields import Flag, Id, Schema
from app.products.models import ProductKind
from app.products.schemas import CreateProductIn, UpdateProductIn

_CURRENCY = ma.fields.String()


class CreateRow(CreateProductIn):
    """A row without an id: a new product."""

    is_active = Flag(load_default=True)
    currency = _CURRENCY


class UpdateRow(UpdateProductIn):
    """A row with an id: the new values of a product. Its kind and currency must match."""

    id = Id(required=True)
    kind = ma.fields.String(validate=ma.validate.OneOf(list(ProductKind)))
    currency = _CURRENCY


class ImportArgs(Schema):
    dry_run = Flag(
        load_default=False, metadata={"description": "Validate only; nothing is changed"}
    )


class ProductImportOut(Schema):
    created = ma.fields.Integer(required=True, metadata={"example": 12})
    changed = ma.fields.Integer(required=True, metadata={"example": 3})
    unchanged = ma.fields.Integer(required=True, metadata={"example": 85})
    rows = ma.fields.Integer(
        required=True, metadata={"description": "Rows of the file, without header", "example": 100}
    )
