"""HTTP of shops."""

from typing import Any
from uuid import UUID

from app.auth.guard import current_user, requires
from app.auth.models import Role, User
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.http import Blueprint
from app.common.idempotent import idempotent
from app.common.ratelimit import per_caller
from app.shops import service
from app.shops.errors import ShopNotFound
from app.shops.schemas import PartyOut, ShopOut, UpdateShopIn

blp = Blueprint("shops", __name__, url_prefix="", description="The public profiles of merchants")


@blp.get("/shop")
@requires(blp, Role.MERCHANT, scope=Scope.PRODUCTS_READ)
@blp.response(200, ShopOut)
def get_shop() -> User:
    """Get the shop profile

    What buyers see of the merchant: on product and payment pages, printed codes and orders.
    """
    with reading() as session:
        return current_user(session)


@blp.patch("/shop")
@requires(blp, Role.MERCHANT)
@blp.arguments(UpdateShopIn, required=False)
@idempotent(blp)
@blp.response(200, ShopOut)
@per_caller("30/minute;300/hour")
def update_shop(body: dict[str, Any]) -> User:
    """Update the shop profile

    Omitted fields keep their values. With a `name`, nobody sees the merchant's own name any more.
    The changes show immediately, and are recorded in the audit log.
    """
    with transaction() as session:
        return service.update(session, merchant_id=current_user(session).id, **body)


@blp.get("/shops/<uuid:merchant_id>")
@blp.response(200, PartyOut)
@blp.errors(ShopNotFound)
def get_public_shop(merchant_id: UUID) -> User:
    """Get the public profile of a shop

    For buyers, by the ID of its merchant.
    """
    with reading() as session:
        return service.require_shop(session, merchant_id=merchant_id)
