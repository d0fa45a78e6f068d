"""SQL of orders, for administrators."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, select
from sqlalchemy.orm import Session, aliased

from app.auth.models import User
from app.common.id_ranges import equal, leading, paginate_newest
from app.common.pagination import Page, PageRequest, paginate
from app.common.time_range import TimeRange
from app.orders.models import Checkout, Order, OrderStatus, Refund, RefundStatus
from app.products.models import Product

_MERCHANT: Final = aliased(User)


def list_orders(
    session: Session,
    page: PageRequest,
    *,
    buyer_id: UUID | None,
    merchant_id: UUID | None,
    product_id: UUID | None,
    status: str | None,
    number: str | None,
    payment_method: str | None,
    within: TimeRange,
) -> Page[Any]:
    """Orders with product and buyer, newest first."""
    owners = {
        Order.user_id: buyer_id,
        Order.product_id: product_id,
        Order.merchant_id: merchant_id,
    }
    # A number leads to one order, so nothing else has to.
    by_number = {Order.number: number}
    lead, where = leading(owners) if number is None else ({}, equal(by_number | owners))
    # No index leads to completed orders, which are most of them.
    is_unusual = status not in (None, OrderStatus.COMPLETED)
    # Conditions of partial indexes are literals, so that PostgreSQL can prove that they hold.
    if is_unusual and number is None and lead.keys() <= {Order.merchant_id}:
        lead |= {Order.status: status}
        where.append(Order.status != _literal(OrderStatus.COMPLETED))
    else:
        where += equal({Order.status: status})
    if payment_method is not None:
        where.append(Order.payment_method == _literal(payment_method))
    return paginate_newest(
        session,
        page,
        select(Order, Product, User)
        .join(Product, Product.id == Order.product_id)
        .join(User, User.id == Order.user_id),
        Order.id,
        created_at=Order.created_at,
        within=within,
        lead=lead,
        where=where,
    )


def _literal(value: str) -> BindParameter[str]:
    return bindparam(None, value, literal_execute=True)


def get_order(session: Session, order_id: UUID) -> Any:
    """The order with its product, buyer, merchant and checkout, if any; or None."""
    return session.execute(
        select(Order, Product, User, _MERCHANT, Checkout)
        .join(Product, Product.id == Order.product_id)
        .join(User, User.id == Order.user_id)
        .join(_MERCHANT, _MERCHANT.id == Order.merchant_id)
        .outerjoin(Checkout, Checkout.order_id == Order.id)
        .where(Order.id == order_id)
    ).one_or_none()


def list_refunds(session: Session, *, order_id: UUID, limit: int) -> Sequence[Refund]:
    """The newest refunds of the order."""
    return session.scalars(
        select(Refund).where(Refund.order_id == order_id).order_by(Refund.id.desc()).limit(limit)
    ).all()


def list_refused_refunds(session: Session, page: PageRequest) -> Page[Any]:
    """Refunds that the gateway refuses, with number, buyer and merchant of their orders."""
    query = (
        select(Refund, Order.number, User, _MERCHANT)
        .join(Order, Order.id == Refund.order_id)
        .join(User, User.id == Order.user_id)
        .join(_MERCHANT, _MERCHANT.id == Refund.merchant_id)
        .where(Refund.status == _literal(RefundStatus.PENDING), Refund.failure_reason.is_not(None))
    )
    return paginate(session, page, query, Refund.id)
