"""Schemas of bulk import and export."""

from typing import Any

import marshmallow as ma

from app.common.fields import Flag, Id, Metadata, Schema
from app.common.json_format import MalformedJson, parse_json
from app.products.models import ProductKind
from app.products.schemas import CreateProductIn, UpdateProductIn

_CURRENCY = ma.fields.String()
_NO_OBJECT = 'Must be a JSON object, such as {"sku": "GUIDE-2"}.'


class _MetadataCell(Metadata):
    """The JSON of an object, as the export writes it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            found = parse_json(value.encode())
        except MalformedJson as error:
            raise ma.ValidationError(_NO_OBJECT) from error
        return super()._deserialize(found, attr, data, **kwargs)  # type: ignore[no-untyped-call]


class CreateRow(CreateProductIn):
    """A row without an id: a new product."""

    is_active = Flag(load_default=True)
    currency = _CURRENCY
    metadata = _MetadataCell(attribute="meta", allow_none=True)


class UpdateRow(UpdateProductIn):
    """A row with an id: the new values of a product. Its kind and currency must match."""

    id = Id(required=True)
    kind = ma.fields.String(validate=ma.validate.OneOf(list(ProductKind)))
    currency = _CURRENCY
    metadata = _MetadataCell(attribute="meta", allow_none=True)


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
