"""HTTP of products."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import Response

from app.auth.guard import current_user, optional_user, requires
from app.auth.models import Role
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common import array_pages
from app.common.array_pages import PAGE_HEADERS, page_headers
from app.common.db import reading, transaction
from app.common.fields import camel
from app.common.http import (
    Blueprint,
    bearer_token,
    etag_of,
    etag_response,
    json_response,
    settings,
)
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.money import Money
from app.common.replica import may_lag
from app.products import service
from app.products.catalogue import cached_catalogue_page
from app.products.errors import ProductNotFound, StockIsCodes, UnauthorizedProductAccess
from app.products.schemas import (
    CatalogueArgs,
    CreateProductIn,
    DeletedProductOut,
    MyProductsArgs,
    ProductOut,
    UpdateProductIn,
    product_out,
)
from app.products.service import Offer

blp = Blueprint("products", __name__, url_prefix="/products", description="The product catalogue")

_ETAG = {"description": "Version, for If-None-Match", "schema": {"type": "string"}}


def _product_out(offer: Offer, *, public: bool) -> dict[str, Any]:
    return product_out(offer, public=public, base_url=settings().api_address)


@blp.post("")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_WRITE)
@blp.arguments(CreateProductIn)
@idempotent(blp)
@blp.response(201, ProductOut)
@blp.errors(QuotaExceeded)
def create_product(body: dict[str, Any]) -> Response:
    """Create a product

    It is listed immediately if it has available units.
    """
    with transaction() as session:
        merchant = current_user(session)
        offer = service.create(
            session, merchant=merchant, currency=settings().default_currency, **body
        )
    return json_response(dump_json(_product_out(offer, public=False)), 201)


@blp.get("")
@blp.arguments(CatalogueArgs, location="query")
@blp.response(200, ProductOut(many=True), headers=PAGE_HEADERS | {"ETag": _ETAG})
@blp.alt_response(304, description="Not modified since the given ETag", success=True)
def list_products(args: dict[str, Any]) -> Response:
    """List products on sale

    Newest first by default; with `q`, those with the text in the name first. Without `q` and a
    price range, pages are cached for 60 seconds, but changes by merchants and sold-out products
    take effect immediately.
    """
    for name in ("min_price", "max_price"):
        if name in args:
            money = Money.of(args[name], settings().default_currency, field=camel(name))
            args[name] = money.minor

    def build() -> bytes:
        with reading() as session:
            found = service.list_on_sale(session, **args)
        rows = dump_json([_product_out(offer, public=True) for offer in found.data])
        return b"\n".join((dump_json(found.meta), etag_of(rows).encode(), rows))

    # Searches and price ranges vary too much to be worth caching.
    if {"q", "min_price", "max_price"} & args.keys():
        # The caller is not looked up, and may be a merchant who has just changed a price.
        stored = build() if bearer_token() else may_lag(build)()
    else:
        if args.get("sort") in (None, service.RELEVANCE):
            args["sort"] = "newest"
        stored = cached_catalogue_page(repr(sorted(args.items())), build)
    meta, etag, rows = stored.split(b"\n", 2)
    response = etag_response(rows, etag.decode())
    response.headers.update(page_headers(meta))
    return response


@blp.get("/merchant/my-products")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_READ)
@blp.arguments(MyProductsArgs, location="query")
@blp.response(200, ProductOut(many=True), headers=PAGE_HEADERS)
def list_my_products(args: dict[str, Any]) -> Response:
    """List the merchant's products

    Newest first by default. Includes sold-out and inactive products, and deleted ones on request,
    unless filters leave them out. The `Link` header names the next page.
    """
    with reading() as session:
        merchant = current_user(session)
        found = service.list_by_merchant(session, merchant=merchant, **args)
    return array_pages.respond(found, partial(_product_out, public=False))


@blp.get("/<uuid:product_id>")
@blp.response(200, ProductOut, headers={"ETag": _ETAG})
@blp.alt_response(304, description="Not modified since the given ETag", success=True)
@blp.errors(ProductNotFound)
def get_product(product_id: UUID) -> Response:
    """Get a product

    Always reflects the last committed purchase. A deleted product is visible only to its merchant.
    """
    with reading() as session:
        viewer = optional_user(session, scope=Scope.PRODUCTS_READ)
        offer = service.require_product(session, product_id=product_id, viewer=viewer)
    own = viewer is not None and viewer.id == offer.merchant.id
    return etag_response(dump_json(_product_out(offer, public=not own)))


@blp.patch("/<uuid:product_id>")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_WRITE)
@blp.arguments(UpdateProductIn, required=False)
@idempotent(blp)
@blp.response(200, ProductOut)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, StockIsCodes)
def update_product(body: dict[str, Any], product_id: UUID) -> Response:
    """Update a product

    Setting `availableUnits` restocks the product; the difference is recorded.
    """
    with transaction() as session:
        merchant = current_user(session)
        offer = service.update(session, merchant=merchant, product_id=product_id, **body)
    return json_response(dump_json(_product_out(offer, public=False)))


@blp.delete("/<uuid:product_id>")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_WRITE)
@idempotent(blp)
@blp.response(200, DeletedProductOut)
@blp.errors(ProductNotFound, UnauthorizedProductAccess)
def delete_product(product_id: UUID) -> dict[str, str]:
    """Delete a product

    It is no longer on sale; existing orders keep it.
    """
    with transaction() as session:
        merchant = current_user(session)
        service.delete(session, merchant=merchant, product_id=product_id)
    return {"message": "Product deleted successfully"}
