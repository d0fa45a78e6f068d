"""HTTP of shops."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.guard import current_user, requires
from app.auth.models import Role, User
from app.auth.quotas.errors import QuotaExceeded
from app.auth.scopes import Scope
from app.common.db import reading, retry_transaction, transaction
from app.common.http import Blueprint, json_response, settings
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.ratelimit import per_caller
from app.images.http import IMAGE_BODY, UPLOAD_ERRORS, receive_image, store_image
from app.shops import logos, service
from app.shops.errors import ShopNotFound
from app.shops.schemas import PublicShopOut, ShopOut, UpdateShopIn, public_shop_out, shop_out

blp = Blueprint("shops", __name__, url_prefix="", description="The public profiles of merchants")


def _respond(
    session: Session, merchant: User, render: Callable[..., dict[str, Any]] = shop_out
) -> Response:
    shown = render(merchant, logos.get_logo(session, merchant), base_url=settings().api_address)
    return json_response(dump_json(shown))


@blp.get("/shop")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_READ)
@blp.response(200, ShopOut)
def get_shop() -> Response:
    """Get the shop profile

    What buyers see of the merchant: on product and payment pages, printed codes and orders.
    """
    with reading() as session:
        return _respond(session, current_user(session))


@blp.patch("/shop")
@requires(blp, Role.MERCHANT)
@blp.arguments(UpdateShopIn, required=False)
@idempotent(blp)
@blp.response(200, ShopOut)
@per_caller("30/minute;300/hour")
def update_shop(body: dict[str, Any]) -> Response:
    """Update the shop profile

    Omitted fields keep their values. With a `name`, nobody sees the merchant's own name any more.
    The changes show immediately, and are recorded in the audit log.
    """
    with transaction() as session:
        merchant = service.update(session, merchant_id=current_user(session).id, **body)
        return _respond(session, merchant)


@blp.put("/shop/logo")
@requires(blp, Role.MERCHANT)
@blp.response(200, ShopOut)
@blp.doc(requestBody=IMAGE_BODY)
@blp.errors(QuotaExceeded, *UPLOAD_ERRORS)
@per_caller("30/hour")
def upload_shop_logo() -> Response:
    """Upload the logo of the shop

    The body is the image itself, which is converted as an image of a product. It replaces the logo,
    is shown immediately and recorded in the audit log. Uploading the same file again has no effect.
    """
    body = receive_image()
    source = sha256(body).hexdigest()
    with reading() as session:
        merchant = current_user(session)
        if logos.is_logo(session, merchant, source_sha256=source):
            return _respond(session, merchant)
    sizes = store_image(body)

    def set_logo(session: Session) -> Response:
        # The caller is authenticated again, because an upload may outlast their session.
        merchant = current_user(session)
        logos.set_logo(session, merchant=merchant, sizes=sizes, source_sha256=source)
        return _respond(session, merchant)

    return retry_transaction(set_logo)


@blp.delete("/shop/logo")
@requires(blp, Role.MERCHANT)
@idempotent(blp)
@blp.response(200, ShopOut)
def delete_shop_logo() -> Response:
    """Delete the logo of the shop

    Has no effect if there is none.
    """
    with transaction() as session:
        merchant = current_user(session)
        logos.delete_logo(session, merchant=merchant)
        return _respond(session, merchant)


@blp.get("/shops/<uuid:merchant_id>")
@blp.response(200, PublicShopOut)
@blp.errors(ShopNotFound)
def get_public_shop(merchant_id: UUID) -> Response:
    """Get the public profile of a shop

    For buyers, by the ID of its merchant.
    """
    with reading() as session:
        merchant = service.require_shop(session, merchant_id=merchant_id)
        return _respond(session, merchant, public_shop_out)
