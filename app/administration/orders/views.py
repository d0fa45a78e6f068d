"""HTTP of orders, for administrators."""

from typing import Any
from uuid import UUID

from flask import Response

from app.administration.orders import service
from app.administration.orders.schemas import (
    AllOrdersArgs,
    ExportOrdersArgs,
    OrderRecordOut,
    RefusedRefundList,
)
from app.auth.admin_exports.http import exports, respond_with_export
from app.auth.guard import current_admin, requires
from app.auth.models import Role
from app.common.csv_documents import CsvArgs
from app.common.db import reading, transaction
from app.common.http import Blueprint
from app.common.pagination import PageArgs
from app.common.replica import may_lag
from app.orders.errors import OrderNotFound
from app.orders.purchases.schemas import OrderList

admin_blp = Blueprint(
    "admin-orders", __name__, url_prefix="/admin", description="Orders of all merchants"
)


@admin_blp.get("/orders")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(AllOrdersArgs, location="query")
@admin_blp.response(200, OrderList)
@may_lag
def list_all_orders(args: dict[str, Any]) -> Any:
    """List all orders

    Newest first, each with its product and its buyer.
    """
    with reading() as session:
        current_admin(session)
        return service.list_orders(session, **args)


@exports(admin_blp, "/orders/export", ExportOrdersArgs, cells=service.EXPORTED_ORDERS)
def export_all_orders(args: dict[str, Any]) -> Response:
    """Export all orders as CSV

    Returns all orders of the list, newest first. Times are in UTC. The audit log records who has
    exported them, with which filters (`order.export`).
    """
    return respond_with_export("order", service.export_orders, service.EXPORTED_ORDERS, **args)


@admin_blp.get("/orders/<uuid:order_id>")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, OrderRecordOut)
@admin_blp.errors(OrderNotFound)
def get_any_order(order_id: UUID) -> Any:
    """Get any order

    Returns the order with its merchant, checkout and refunds, but not what was delivered. The audit
    log records who has read it (`order.view`).
    """
    with transaction() as session:
        actor = current_admin(session)
        return service.require_order(session, actor_id=actor.id, order_id=order_id)


@admin_blp.get("/refunds")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(PageArgs, location="query")
@admin_blp.response(200, RefusedRefundList)
def list_refused_refunds(args: dict[str, Any]) -> Any:
    """List refunds that the payment provider refuses

    Newest first. They are PENDING and are requested again every hour. One that will never succeed
    is settled with `POST /admin/refunds/{refund_id}/settle`.
    """
    with reading() as session:
        current_admin(session)
        return service.list_refused_refunds(session, **args)


@exports(admin_blp, "/refunds/export", CsvArgs, cells=service.EXPORTED_REFUNDS)
def export_refused_refunds(args: dict[str, Any]) -> Response:
    """Export refunds that the payment provider refuses as CSV

    Returns all refunds of the list, newest first. Times are in UTC. The audit log records who has
    exported them (`refund.export`).
    """
    read = service.export_refused_refunds
    return respond_with_export("refund", read, service.EXPORTED_REFUNDS, **args)
