"""SQL of orders."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.driver import as_rows, insert_rows, send
from app.orders.models import Order
from app.products.models import Product

_INSERT = insert_rows(
    "orders",
    {
        "id": "uuid",
        "user_id": "uuid",
        "merchant_id": "uuid",
        "product_id": "uuid",
        "payment_method": "text",
        "status": "text",
        "quantity": "bigint",
        "unit_price": "bigint",
        "amount": "bigint",
        "fee": "bigint",
        "currency": "text",
        "idempotency_key": "text",
        "completed_at": "timestamptz",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
    },
)


def insert_orders(session: Session, rows: Iterable[object]) -> None:
    """Insert new orders; what is not among the columns above is NULL for now."""
    send(session, _INSERT, as_rows(rows))


def _with_names() -> Any:
    return (
        select(Order, Product, User)
        .join(Product, Product.id == Order.product_id)
        .join(User, User.id == Order.user_id)
    )


def get_order_of(session: Session, *, order_id: UUID, user_id: UUID) -> Any:
    """The order with product and buyer, if `user_id` bought or sold it."""
    return session.execute(
        _with_names().where(
            Order.id == order_id, or_(Order.user_id == user_id, Order.merchant_id == user_id)
        )
    ).one_or_none()


def orders_of(
    session: Session,
    *,
    buyer_id: UUID | None = None,
    merchant_id: UUID | None = None,
    limit: int,
    offset: int,
    below: UUID | None,
) -> Sequence[Any]:
    """Orders with product and buyer, newest first. below: only those with a smaller id."""
    query = _filtered(_with_names(), buyer_id, merchant_id).order_by(Order.id.desc())
    if below is not None:
        query = query.where(Order.id < below)
    return session.execute(query.limit(limit).offset(offset)).all()


def count_orders(
    session: Session, *, buyer_id: UUID | None = None, merchant_id: UUID | None = None
) -> int:
    query = select(func.count()).select_from(Order)
    return session.scalar(_filtered(query, buyer_id, merchant_id)) or 0


def _filtered(query: Any, buyer_id: UUID | None, merchant_id: UUID | None) -> Any:
    if buyer_id is not None:
        query = query.where(Order.user_id == buyer_id)
    if merchant_id is not None:
        query = query.where(Order.merchant_id == merchant_id)
    return query
