"""Schemas of products."""

from typing import Any

import marshmallow as ma

from app.auth.masking import public_name, public_names
from app.common.clock import format_timestamp
from app.common.fields import (
    Amount,
    Choice,
    Flag,
    Id,
    Metadata,
    MoneyOut,
    Schema,
    Text,
    TextLines,
    Timestamp,
    WholeNumber,
    serializes,
)
from app.common.money import format_minor
from app.common.pagination import ArrayArgs, PageArgs
from app.common.trigrams import NEWEST
from app.images.schemas import ImageOut, image_out
from app.products.categories.schemas import SLUG
from app.products.models import Availability, ProductKind
from app.products.service import (
    MAX_MATCHES,
    OWN_SORTS,
    RELEVANCE,
    RESERVABLE_PERCENT,
    RESERVABLE_UNITS,
    SORTS,
    Offer,
)

_CAP = {"description": "Maximum units per buyer; null for no limit", "example": 3}
_RESERVATION = {
    "description": "Maximum units that a buyer may reserve with unpaid orders by card; null for a"
    f" share of {RESERVABLE_PERCENT} % of the stock, or {RESERVABLE_UNITS} units if that is more",
    "example": 2,
}
_CATEGORY = {"description": "`slug` of a category; null for none", "example": "books"}
_PRICE = {"description": "Price in the shop's currency, used exactly", "example": "199.99"}


_METADATA = {
    "description": "Up to 20 key-value pairs for the merchant's programs, which only the merchant"
    " sees",
    "example": {"sku": "GUIDE-2"},
}


class CreateProductIn(Schema):
    name = Text(max_length=200, required=True, metadata={"example": "Advanced Masterclass"})
    description = TextLines(
        max_length=5000, allow_none=True, metadata={"example": "Twelve hours of video"}
    )
    price = Amount(required=True, metadata=_PRICE)
    available_units = WholeNumber(
        minimum=0,
        metadata={
            "description": "Units in stock. Not for CODES, where each code is a unit",
            "example": 50,
        },
    )
    kind = ma.fields.String(
        load_default=ProductKind.PLAIN.value,
        validate=ma.validate.OneOf(list(ProductKind)),
        metadata={
            "description": "What is delivered: codes, a licence key, a file or, for PLAIN, nothing"
        },
    )
    purchase_limit = WholeNumber(minimum=1, maximum=1_000_000, allow_none=True, metadata=_CAP)
    reservation_limit = WholeNumber(
        minimum=1, maximum=1_000_000, allow_none=True, metadata=_RESERVATION
    )
    category = ma.fields.String(allow_none=True, validate=SLUG, metadata=_CATEGORY)
    metadata = Metadata(attribute="meta", allow_none=True, metadata=_METADATA)

    @ma.validates_schema(skip_on_field_errors=True)
    def _require_units(self, data: dict[str, Any], **_: Any) -> None:
        if ProductKind(data["kind"]).has_uploaded_stock:
            if data.setdefault("available_units", 0):
                raise ma.ValidationError("Must be 0: upload codes.", "available_units")
        elif "available_units" not in data:
            raise ma.ValidationError("Missing data for required field.", "available_units")


class UpdateProductIn(Schema):
    name = Text(max_length=200, metadata={"example": "Advanced Masterclass, second edition"})
    description = TextLines(
        max_length=5000, allow_none=True, metadata={"example": "Now fourteen hours"}
    )
    price = Amount(metadata=_PRICE)
    available_units = WholeNumber(
        minimum=0, metadata={"description": "New number of units in stock", "example": 80}
    )
    is_active = Flag()
    purchase_limit = WholeNumber(minimum=1, maximum=1_000_000, allow_none=True, metadata=_CAP)
    reservation_limit = WholeNumber(
        minimum=1, maximum=1_000_000, allow_none=True, metadata=_RESERVATION
    )
    category = ma.fields.String(allow_none=True, validate=SLUG, metadata=_CATEGORY)
    metadata = Metadata(attribute="meta", allow_none=True, metadata=_METADATA)


class CatalogueArgs(PageArgs):
    limit = WholeNumber(
        load_default=100,
        minimum=1,
        maximum=100,
        metadata={"description": "Rows per page, 1 to 100", "example": 100},
    )
    q = Text(
        max_length=100,
        metadata={
            "description": "Text in the name or description, ignoring case and accents. A text"
            " without three letters of a to z or digits in a row is looked for in the newest"
            f" {NEWEST:,} products only",
            "example": "cafe",
        },
    )
    min_price = Amount(
        zero_allowed=True, metadata={"description": "Minimum price", "example": "5.00"}
    )
    max_price = Amount(
        zero_allowed=True, metadata={"description": "Maximum price", "example": "50.00"}
    )
    merchant_id = Id(metadata={"description": "Only products of this merchant"})
    category = ma.fields.String(
        validate=SLUG,
        metadata={
            "description": "Only products of the category with this `slug`",
            "example": "books",
        },
    )
    sort = ma.fields.String(
        validate=ma.validate.OneOf([RELEVANCE, *SORTS]),
        metadata={
            "description": "Order of the list. With `q` the default is `relevance`: of the newest"
            f" {MAX_MATCHES:,} matches, those with the text in the name first. Otherwise `newest`"
        },
    )


class OwnProductFilters(Schema):
    """The filters of the merchant's list and of its export."""

    q = Text(
        max_length=100,
        metadata={
            "description": "Text in the name or description, ignoring case and accents",
            "example": "cafe",
        },
    )
    kind = ma.fields.String(
        validate=ma.validate.OneOf(list(ProductKind)),
        metadata={"description": "Only products of this kind"},
    )
    availability = ma.fields.String(
        validate=ma.validate.OneOf(list(Availability)),
        metadata={
            "description": "Only products that buyers can buy (ON_SALE), or cannot: SOLD_OUT,"
            " NOT_READY if there is nothing to deliver yet, INACTIVE if the merchant has taken them"
            " off sale. Never deleted ones"
        },
    )
    max_units = WholeNumber(
        minimum=0,
        metadata={"description": "Only products with at most so many units left", "example": 5},
    )


class MyProductsArgs(ArrayArgs, OwnProductFilters):
    sort = ma.fields.String(
        load_default="newest",
        validate=ma.validate.OneOf(list(OWN_SORTS)),
        metadata={"description": "Order of the list", "example": "name"},
    )
    include_deleted = Flag(
        load_default=False, metadata={"description": "Whether to include deleted products"}
    )


class MerchantOut(Schema):
    id = ma.fields.UUID(required=True)
    email = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "null unless the merchant has made it public"},
    )
    first_name = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "First name; null if the shop has a name", "example": "Alice"},
    )
    last_name = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Initial of the last name, the whole name only for the merchant; null"
            " if the shop has a name",
            "example": "J.",
        },
    )
    name = ma.fields.String(
        required=True,
        metadata={
            "description": "Name to show: of the shop, or the merchant's as others see it",
            "example": "Corner Bakery",
        },
    )
    support_email = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Where buyers get help",
            "example": "help@bakery.example.com",
        },
    )


class ProductOut(Schema):
    """A product with its merchant."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    description = ma.fields.String(required=True, allow_none=True)
    price = MoneyOut(required=True, metadata={"example": "199.99"})
    currency = ma.fields.String(required=True, metadata={"example": "USD"})
    available_units = ma.fields.Integer(required=True)
    initial_units = ma.fields.Integer(required=True)
    is_active = ma.fields.Boolean(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    deleted_at = Timestamp(required=True, allow_none=True)
    merchant_id = ma.fields.UUID(required=True)
    merchant = ma.fields.Nested(MerchantOut, required=True)
    kind = Choice(ProductKind, required=True, metadata={"example": "PLAIN"})
    is_ready = ma.fields.Boolean(
        required=True, metadata={"description": "Whether everything needed for delivery is there"}
    )
    purchase_limit = ma.fields.Integer(required=True, allow_none=True)
    reservation_limit = ma.fields.Integer(required=True, allow_none=True)
    category = ma.fields.String(required=True, allow_none=True, metadata=_CATEGORY)
    images = ma.fields.List(
        ma.fields.Nested(ImageOut),
        required=True,
        metadata={"description": "In the order chosen by the merchant; the first is the main one"},
    )
    metadata = ma.fields.Dict(
        attribute="meta",
        required=True,
        allow_none=True,
        metadata={
            "description": "The merchant's own key-value pairs; null without, and for everyone else"
        },
    )


class DeletedProductOut(Schema):
    message = ma.fields.String(required=True, metadata={"example": "Product deleted successfully"})


@serializes(ProductOut)
def product_out(offer: Offer, *, public: bool, base_url: str) -> dict[str, Any]:
    """Serialized as ProductOut, by hand because lists of products are the most frequent response.

    public: whether to withhold what others do not see: the metadata, and of the merchant the email
    address, unless the merchant has made it public, and the name of the person. base_url: of the
    API.
    """
    product, merchant = offer.product, offer.merchant
    own_names = merchant.first_name, merchant.last_name
    first_name, last_name = public_names(merchant) if public else own_names
    return {
        "id": product.id,
        "name": product.name,
        "description": product.description,
        "price": format_minor(product.price, product.currency),
        "currency": product.currency,
        "availableUnits": product.available_units,
        "initialUnits": product.initial_units,
        "isActive": product.is_active,
        "createdAt": format_timestamp(product.created_at),
        "updatedAt": format_timestamp(product.updated_at),
        "deletedAt": format_timestamp(product.deleted_at),
        "merchantId": product.merchant_id,
        "merchant": {
            "id": merchant.id,
            "email": merchant.email if merchant.email_public or not public else None,
            "firstName": first_name,
            "lastName": last_name,
            "name": public_name(merchant),
            "supportEmail": merchant.support_email,
        },
        "kind": product.kind,
        "isReady": product.is_ready,
        "purchaseLimit": product.purchase_limit,
        "reservationLimit": product.reservation_limit,
        "category": offer.category,
        "images": [image_out(image, base_url=base_url) for image in offer.images],
        "metadata": None if public else product.meta,
    }
