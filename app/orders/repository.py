"""SQL of orders."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, or_, select, text
from sqlalchemy.orm import Session

from app.auth.models import User
from app.orders.models import GATES, Order
from app.products.models import Product

_COLUMNS = [c.key for c in Order.__mapper__.column_attrs]


def lock_gates(session: Session, keys: Sequence[UUID]) -> None:
    """Stand in line for `keys`. Must be the first statement of the transaction."""
    numbers = sorted({key.int % len(GATES) for key in keys})
    # Gates in order of their number: two purchases must not wait for each other.
    names = ", ".join(GATES[number].name for number in numbers)
    session.execute(text(f"LOCK TABLE {names} IN SHARE UPDATE EXCLUSIVE MODE"))


def insert_orders(session: Session, orders: Sequence[Order]) -> None:
    session.execute(
        insert(Order).values([{name: getattr(o, name) for name in _COLUMNS} for o in orders])
    )


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
