"""Schemas of bulk import and export."""

from typing import Any

import marshmallow as ma

from app.common.csv_documents import CsvArgs
from app.common.fields import Flag, Id, Metadata, Schema
from app.common.json_format import MalformedJson, parse_json
from app.products.bulk.preview import MAX_LISTED
from app.products.models import ProductKind
from app.products.schemas import CreateProductIn, OwnProductFilters, UpdateProductIn

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
        load_default=False,
        metadata={"description": "Return what would change; nothing is changed"},
    )


class ExportArgs(CsvArgs, OwnProductFilters):
    pass


class FieldChangeOut(Schema):
    field = ma.fields.String(
        required=True, metadata={"description": "Column of the file", "example": "price"}
    )
    before = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Present cell; null if it is empty", "example": "19.99"},
    )
    after = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "New cell; null if it is cleared", "example": "24.99"},
    )


class ProductChangeOut(Schema):
    line = ma.fields.Integer(
        required=True, metadata={"description": "Line of the file", "example": 2}
    )
    product_id = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "null for a new product"}
    )
    name = ma.fields.String(
        required=True,
        metadata={"description": "Present name of the product", "example": "Field Guide"},
    )
    fields_ = ma.fields.List(
        ma.fields.Nested(FieldChangeOut),
        data_key="fields",
        attribute="fields",
        required=True,
        metadata={"description": "Cells that differ"},
    )


class ProductImportOut(Schema):
    created = ma.fields.Integer(required=True, metadata={"example": 12})
    changed = ma.fields.Integer(required=True, metadata={"example": 3})
    unchanged = ma.fields.Integer(required=True, metadata={"example": 85})
    rows = ma.fields.Integer(
        required=True, metadata={"description": "Rows of the file, without header", "example": 100}
    )
    changes = ma.fields.List(
        ma.fields.Nested(ProductChangeOut),
        metadata={
            "description": f"With `dryRun`: what would change, of the first {MAX_LISTED} products"
            " that would be created or changed, in the order of the file"
        },
    )

    @ma.post_dump
    def _only_of_dry_runs(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data["changes"] is None:
            del data["changes"]
        return data
