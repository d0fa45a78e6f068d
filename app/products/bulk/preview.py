"""What an import would change, for merchants to read before it does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.common.fields import camel
from app.common.json_format import dump_json
from app.common.money import format_minor

#: Products whose changes are listed.
MAX_LISTED: Final = 100

#: Columns that are compared, in the order of the export.
_COMPARED: Final = (
    "name",
    "description",
    "price",
    "available_units",
    "kind",
    "purchase_limit",
    "is_active",
    "category_id",
    "meta",
)
_NAMES: Final = {"category_id": "category", "meta": "metadata"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field, as its column is called, and its cells before and after; None if empty."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ProductChange:
    """What a row of the file changes. product_id: None for a new product; name: before."""

    line: int
    product_id: UUID | None
    name: str
    fields: Sequence[FieldChange]


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """The columns of a product before, none for a new one, and after a row of the file."""

    line: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    currency: str

    @property
    def category_ids(self) -> set[UUID]:
        ids = (self.before.get("category_id"), self.after.get("category_id"))
        return {category_id for category_id in ids if category_id is not None}

    def shown(self, slugs: Mapping[UUID, str]) -> ProductChange:
        """slugs: of categories, by id."""
        cells = (
            (name, self._cell(self.before, name, slugs), self._cell(self.after, name, slugs))
            for name in _COMPARED
        )
        fields = [
            FieldChange(_NAMES.get(name, camel(name)), before, after)
            for name, before, after in cells
            if before != after
        ]
        name = self.before.get("name") or self.after["name"]
        return ProductChange(self.line, self.before.get("id"), name, fields)

    def _cell(self, row: Mapping[str, Any], name: str, slugs: Mapping[UUID, str]) -> str | None:
        value = row.get(name)
        if value is None:
            return None
        match name:
            case "price":
                return format_minor(value, self.currency)
            case "category_id":
                return slugs.get(value)
            case "meta":
                return dump_json(value).decode()
            case "is_active":
                return "true" if value else "false"
        return str(value)


def planned_update(
    line: int, product: Any, update: Mapping[str, Any], columns: Iterable[str]
) -> PlannedChange:
    """product: the row before; update: `delta` of the stock, and the new values of `columns`."""
    before = {name: getattr(product, name) for name in columns}
    units = product.available_units
    return PlannedChange(
        line,
        before | {"id": product.id, "available_units": units},
        {**update, "available_units": units + update["delta"]},
        product.currency,
    )
