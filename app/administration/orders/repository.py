"""SQL of orders, for administrators."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, select
from sqlalchemy.orm import Session, aliased

from app.auth.models import User
from app.common.csv_export import money_cell, text_cell, time_cell
from app.common.id_ranges import Listing, equal, leading
from app.orders.models import Checkout, Order, OrderStatus, Refund, RefundStatus
from app.products.models import Product

_MERCHANT: Final = aliased(User)


def _literal(value: str) -> BindParameter[str]:
    return bindparam(None, value, literal_execute=True)


def _filters(
    *,
    buyer_id: UUID | None = None,
    merchant_id: UUID | None = None,
    product_id: UUID | None = None,
    status: str | None = None,
    number: str | None = None,
    payment_method: str | None = None,
) -> dict[str, Any]:
    """`lead` and `where` of `paginate_newest`."""
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
    return {"lead": lead, "where": where}


#: Orders with product and buyer; filters: see `_filters`.
ORDERS: Final = Listing(
    select(Order, Product, User)
    .select_from(Order)
    .join(Product, Product.id == Order.product_id)
    .join(User, User.id == Order.user_id),
    Order.id,
    created_at=Order.created_at,
    filters=_filters,
    cells={
        "orderId": Order.id,
        "orderNumber": Order.number,
        "createdAt": time_cell(Order.created_at),
        "completedAt": time_cell(Order.completed_at),
        "status": Order.status,
        "paymentMethod": Order.payment_method,
        "productId": Order.product_id,
        "product": text_cell(Product.name),
        "merchantId": Order.merchant_id,
        "buyerId": Order.user_id,
        "buyerEmail": text_cell(User.email),
        "quantity": Order.quantity,
        "amount": money_cell(Order.amount, Order.currency),
        "fee": money_cell(Order.fee, Order.currency),
        "refunded": money_cell(Order.refunded_amount, Order.currency),
        "feeRefunded": money_cell(Order.refunded_fee, Order.currency),
        "currency": Order.currency,
    },
)

#: Refunds that the gateway refuses, with number, buyer and merchant of their orders.
REFUSED_REFUNDS: Final = Listing(
    select(Refund, Order.number, User, _MERCHANT)
    .select_from(Refund)
    .join(Order, Order.id == Refund.order_id)
    .join(User, User.id == Order.user_id)
    .join(_MERCHANT, _MERCHANT.id == Refund.merchant_id),
    Refund.id,
    created_at=Refund.created_at,
    filters=lambda: {
        "lead": {},
        "where": [
            Refund.status == _literal(RefundStatus.PENDING),
            Refund.failure_reason.is_not(None),
        ],
    },
    cells={
        "refundId": Refund.id,
        "createdAt": time_cell(Refund.created_at),
        "orderId": Refund.order_id,
        "orderNumber": Order.number,
        "merchantId": Refund.merchant_id,
        "buyerId": Order.user_id,
        "buyerEmail": text_cell(User.email),
        "amount": money_cell(Refund.amount, Refund.currency),
        "currency": Refund.currency,
        "reason": text_cell(Refund.reason),
        "failureReason": text_cell(Refund.failure_reason),
        "flaggedAt": time_cell(Refund.flagged_at),
    },
)


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
