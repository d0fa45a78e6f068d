"""HTTP of order pages: the page itself, and its address for the buyer."""

from pathlib import Path
from uuid import UUID

from flask import Response, request

from app.auth.errors import TooManyRevocations
from app.auth.guard import current_user, requires
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.hosted_pages import page_blueprint, render, respond
from app.common.http import Blueprint, settings
from app.common.idempotent import idempotent
from app.common.ratelimit import per_caller
from app.orders.errors import OrderNotFound
from app.orders.order_page import service
from app.orders.order_page.links import LINKS
from app.orders.order_page.schemas import OrderPageLinkOut

#: How often the page of an order whose payment is being confirmed reloads, in seconds, and how
#: many times.
_REFRESH_SECONDS, _REFRESHES = 3, 20

blp = Blueprint("order-pages", __name__, url_prefix="/orders", description="Pages of orders")
page_blp = page_blueprint("order_page", __name__, LINKS.path, folder=Path(__file__).parent)


@blp.get("/<uuid:order_id>/page")
@requires(blp, scope=Scope.DELIVERY_READ)
@blp.response(200, OrderPageLinkOut)
@blp.errors(OrderNotFound)
def get_order_page(order_id: UUID) -> dict[str, str]:
    """Get the address of an order's page

    The page shows the order, what was delivered and a receipt to everyone who has the address,
    without signing in. Only the buyer can get it.
    """
    with reading() as session:
        user_id = current_user(session).id
        url = service.address_of(
            session, order_id=order_id, user_id=user_id, base=settings().public_address
        )
    return {"url": url}


@blp.post("/<uuid:order_id>/page/revoke")
@requires(blp, scope=Scope.DELIVERY_READ)
@idempotent(blp)
@blp.response(200, OrderPageLinkOut)
@blp.errors(OrderNotFound, TooManyRevocations)
@per_caller("30/minute;300/hour")
def revoke_order_page(order_id: UUID) -> dict[str, str]:
    """Revoke the address of an order's page

    From now on it answers as one that does not exist, and download links for the order's files no
    longer work. Returns a new address.
    """
    with transaction() as session:
        user_id = current_user(session).id
        url = service.revoke(
            session, order_id=order_id, user_id=user_id, base=settings().public_address
        )
    return {"url": url}


@page_blp.get("/<page_token>")
def page(page_token: str) -> Response:
    # A transaction, because codes are marked as seen.
    try:
        with transaction() as session:
            found = service.require_page(session, page_token, base_url=settings().api_address)
            html = render(
                "order/page.html", page=found, token=page_token, is_cancelled=_is_cancelled()
            )
    except OrderNotFound:
        return respond(render("order/missing.html"), 404)
    response = respond(html)
    count = request.args.get("n", default=0, type=int)
    if found.is_pending and not _is_cancelled() and count < _REFRESHES:
        response.headers["Refresh"] = f"{_REFRESH_SECONDS}; url=?n={count + 1}"
    return response


@page_blp.get("/<page_token>/receipt")
def receipt(page_token: str) -> Response:
    try:
        with reading() as session:
            found = service.require_page(
                session, page_token, base_url=settings().api_address, with_goods=False
            )
            if not found.is_paid:
                raise OrderNotFound
            html = render("order/receipt.html", page=found, token=page_token)
    except OrderNotFound:
        return respond(render("order/missing.html"), 404)
    return respond(html)


def _is_cancelled() -> bool:
    """Whether the buyer returns from the gateway without having paid."""
    return request.args.get("outcome") == "cancelled"
