"""HTTP of the images of products."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common.db import reading, retry_transaction, transaction
from app.common.http import Blueprint, json_response, settings
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.ratelimit import per_caller
from app.images.errors import ImageNotFound
from app.images.http import IMAGE_BODY, UPLOAD_ERRORS, receive_image, store_image
from app.images.schemas import ImageOut, image_out
from app.images.service import ShownImage
from app.products.errors import ProductNotFound, UnauthorizedProductAccess
from app.products.images import service
from app.products.images.errors import TooManyImages
from app.products.images.schemas import AddImageArgs, UpdateProductImageIn

blp = Blueprint("product-images", __name__, url_prefix="/products", description="Product images")


@blp.post("/<uuid:product_id>/images")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_WRITE)
@blp.arguments(AddImageArgs, location="query")
@blp.response(201, ImageOut)
@blp.alt_response(200, schema=ImageOut, success=True)
@blp.doc(requestBody=IMAGE_BODY)
@blp.errors(
    ProductNotFound, UnauthorizedProductAccess, TooManyImages, QuotaExceeded, *UPLOAD_ERRORS
)
@per_caller("300/hour")
def add_product_image(args: dict[str, Any], product_id: UUID) -> Response:
    """Add an image to a product

    The body is the image itself: a JPEG, PNG or WebP of at most 10 MiB and 25 megapixels, not
    animated. It becomes the last image of the product, of which there can be eight. Only its pixels
    are kept, turned upright and in sRGB, as WebP in up to three sizes; metadata such as the place
    where a photo was taken is removed. The sizes count towards the quota `FILE_BYTES`.

    Adding a file that the product has already returns its image (200) and changes nothing, so a
    request can be repeated.
    """
    with reading() as session:  # before the body is received
        service.require_own(session, merchant=current_user(session), product_id=product_id)
    body = receive_image()
    uploaded: dict[str, Any] = {"product_id": product_id, "source_sha256": sha256(body).hexdigest()}
    with reading() as session:
        found = service.already_uploaded(session, merchant=current_user(session), **uploaded)
    if found is not None:
        return _respond(found, 200)
    sizes = store_image(body)

    def add(session: Session) -> tuple[ShownImage, bool]:
        # The caller is authenticated again, because an upload may outlast their session.
        merchant = current_user(session)
        return service.add(session, merchant=merchant, sizes=sizes, alt=args.get("alt"), **uploaded)

    image, is_new = retry_transaction(add)
    return _respond(image, 201 if is_new else 200)


def _respond(image: ShownImage, status: int = 200) -> Response:
    return json_response(dump_json(image_out(image, base_url=settings().api_address)), status)


@blp.patch("/<uuid:product_id>/images/<uuid:image_id>")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_WRITE)
@blp.arguments(UpdateProductImageIn)
@idempotent(blp)
@blp.response(200, ImageOut)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, ImageNotFound)
def update_product_image(body: dict[str, Any], product_id: UUID, image_id: UUID) -> Response:
    """Describe or move an image of a product

    The other images move up or down, so that they are numbered from 1.
    """
    with transaction() as session:
        image = service.update(
            session,
            merchant=current_user(session),
            product_id=product_id,
            image_id=image_id,
            **body,
        )
    return _respond(image)


@blp.delete("/<uuid:product_id>/images/<uuid:image_id>")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_WRITE)
@idempotent(blp)
@blp.response(204)
@blp.errors(ProductNotFound, UnauthorizedProductAccess, ImageNotFound)
def delete_product_image(product_id: UUID, image_id: UUID) -> None:
    """Delete an image of a product

    Its URLs are not found from then on; copies in caches of browsers remain.
    """
    with transaction() as session:
        service.delete(
            session,
            merchant=current_user(session),
            product_id=product_id,
            image_id=image_id,
        )
