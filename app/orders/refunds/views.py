"""HTTP of refunds."""

from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.errors import OwnAccount
from app.auth.guard import (
    confirm_admin_code,
    current_admin,
    current_user,
    identity,
    requires,
    requires_admin_code,
)
from app.auth.models import Role
from app.auth.scopes import Scope
from app.auth.service import Caller
from app.common import array_pages
from app.common.array_pages import PAGE_HEADERS
from app.common.db import reading
from app.common.http import Blueprint
from app.common.idempotent import takes_idempotency_key
from app.common.pagination import ArrayArgs
from app.gateway.errors import AmountNotPayable, GatewayNotConfigured, GatewayUnavailable
from app.orders.errors import (
    REFUND_ERRORS,
    OrderNotFound,
    OrderNotRefundable,
    RefundNotFound,
    RefundNotSettleable,
    RefundTooLarge,
)
from app.orders.models import RefundDestination
from app.orders.refunds import platform_refunds, preview, tasks
from app.orders.refunds import service as refunds
from app.orders.refunds.http import respond_with_settlement
from app.orders.refunds.preview import RefundPreview
from app.orders.refunds.schemas import (
    CreateRefundIn,
    RefundAnyOrderIn,
    RefundOut,
    RefundPartIn,
    RefundPreviewOut,
    SettleRefundIn,
)
from app.orders.refunds.service import RefundDetails
from app.orders.refunds.wallet_refund import WalletRefund
from app.wallets.errors import BalanceTooLarge, WalletLocked, WalletNotFound
from app.wallets.movements.http import respond_once, respond_with

blp = Blueprint("refunds", __name__, url_prefix="", description="Refunds")
admin_blp = Blueprint(
    "admin-refunds",
    __name__,
    url_prefix="/admin",
    description="Refunds for merchants, and those that the payment provider refuses",
)

_render = RefundOut().dump


@blp.post("/orders/<uuid:order_id>/refunds")
@requires(blp, Role.MERCHANT, scope=Scope.REFUNDS_WRITE)
@blp.arguments(CreateRefundIn, required=False)
@blp.response(201, RefundOut)
@blp.errors(OrderNotFound, *REFUND_ERRORS)
@takes_idempotency_key(blp)
def create_refund(body: dict[str, Any], order_id: UUID) -> Response:
    """Refund an order

    Refunds `amount`, `units` or the remaining amount, from the merchant's wallet to the original
    payment method. A refund through the gateway is PENDING until the gateway confirms it. The
    platform fee is returned proportionally. Units and unseen codes go back on sale; licences and
    download links are revoked. The order is REFUNDED when nothing remains.
    """

    with reading() as session:
        product_id = refunds.get_plain_product_id(
            session, order_id=order_id, merchant_id=identity().user_id
        )
    if product_id is not None:
        refund = WalletRefund(order_id, product_id, **body)
        return respond_with(refund, render=_render, status=201)

    def work(session: Session, user: Caller, key: str | None) -> RefundDetails:
        made = refunds.create_refund(
            session, merchant_id=user.id, by=user.id, order_id=order_id, idempotency_key=key, **body
        )
        tasks.enqueue_if_pending(session, made.refund)
        return made

    return respond_once(work, render=_render, status=201)


@blp.get("/orders/<uuid:order_id>/refunds")
@requires(blp, scope=Scope.ORDERS_READ)
@blp.arguments(ArrayArgs, location="query")
@blp.response(200, RefundOut(many=True), headers=PAGE_HEADERS)
@blp.errors(OrderNotFound)
def list_refunds(args: dict[str, Any], order_id: UUID) -> Response:
    """List the refunds of an order

    Oldest first. Visible to its buyer and its merchant. The `Link` header names the next page.
    """
    with reading() as session:
        user_id = current_user(session).id
        found = refunds.list_refunds(session, order_id=order_id, user_id=user_id, **args)
    return array_pages.respond(found, _render)


@blp.get("/orders/<uuid:order_id>/refunds/preview")
@requires(blp, Role.MERCHANT, scope=Scope.ORDERS_READ)
@blp.arguments(RefundPartIn, location="query")
@blp.response(200, RefundPreviewOut)
@blp.errors(OrderNotFound, OrderNotRefundable, RefundTooLarge, AmountNotPayable)
def get_refund_preview(args: dict[str, Any], order_id: UUID) -> RefundPreview:
    """Get the preview of a refund

    Returns what a refund of `amount`, of `units` or of the remaining amount would move now, and
    changes nothing. Whether the merchant's wallet has enough is decided when the refund is made.
    """
    with reading() as session:
        merchant_id = current_user(session).id
        return preview.preview_refund(session, merchant_id=merchant_id, order_id=order_id, **args)


@admin_blp.get("/orders/<uuid:order_id>/refunds/preview")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(RefundPartIn, location="query")
@admin_blp.response(200, RefundPreviewOut)
@admin_blp.errors(OrderNotFound, OrderNotRefundable, RefundTooLarge, AmountNotPayable)
def get_any_refund_preview(args: dict[str, Any], order_id: UUID) -> RefundPreview:
    """Get the preview of a refund of any order

    Returns what `POST /admin/orders/{order_id}/refunds` would move now, and changes nothing.
    """
    with reading() as session:
        current_admin(session)
        return preview.preview_refund(session, merchant_id=None, order_id=order_id, **args)


@admin_blp.post("/orders/<uuid:order_id>/refunds")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(RefundAnyOrderIn)
@admin_blp.response(201, RefundOut)
@admin_blp.errors(OrderNotFound, OwnAccount, *REFUND_ERRORS)
@requires_admin_code(admin_blp)
@takes_idempotency_key(admin_blp)
def refund_any_order(body: dict[str, Any], order_id: UUID) -> Response:
    """Refund any order

    As its merchant would, with the merchant's money: for one who cannot or does not. The buyer and
    the merchant are notified, and both see `reason`, which is in the audit log (`order.refund`).
    """
    with reading() as session:
        current_admin(session)

    def work(session: Session, caller: Caller, key: str | None) -> RefundDetails:
        made = platform_refunds.create_refund(
            session, actor_id=caller.id, order_id=order_id, idempotency_key=key, **body
        )
        confirm_admin_code(session)
        tasks.enqueue_if_pending(session, made.refund)
        return made

    return respond_once(work, render=_render, status=201)


@admin_blp.post("/refunds/<uuid:refund_id>/settle")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(SettleRefundIn)
@admin_blp.response(200, RefundOut)
@admin_blp.errors(
    RefundNotFound,
    RefundNotSettleable,
    WalletNotFound,
    WalletLocked,
    BalanceTooLarge,
    GatewayNotConfigured,
    GatewayUnavailable,
    OwnAccount,
)
@requires_admin_code(admin_blp)
@takes_idempotency_key(admin_blp)
def settle_refund(body: dict[str, Any], refund_id: UUID) -> Response:
    """Settle a refused refund

    For a PENDING refund that the payment provider refuses to make. The buyer gets the amount in the
    wallet, or was paid by the platform outside of this system. The provider is asked first whether
    it has made the refund after all. The decision and its reason are in the audit log.
    """
    return respond_with_settlement(
        refund_id, destination=RefundDestination(body["destination"]), reason=body["reason"]
    )
