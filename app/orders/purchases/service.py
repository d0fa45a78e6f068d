"""The orders of a user."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.masking import public_names
from app.auth.models import User
from app.auth.service import Caller
from app.common.pagination import Page, PageRequest
from app.delivery import service as delivery
from app.delivery.handler import OrderLine
from app.orders import repository
from app.orders.errors import OrderNotDelivered, OrderNotFound
from app.orders.models import Order, OrderStatus
from app.products.models import Product
from app.products.service import Stock


@dataclass(frozen=True, slots=True)
class OrderDetails:
    """An order with its product and its buyer."""

    order: Order
    product: Product | Stock
    buyer: User | Caller

    @property
    def currency(self) -> str:
        return self.order.currency


@dataclass(frozen=True, slots=True)
class Buyer:
    """A buyer as one party of the order sees them."""

    id: UUID
    email: str | None
    first_name: str | None
    last_name: str | None


@dataclass(frozen=True, slots=True)
class OrderOfParty:
    """An order as one of its parties sees it."""

    order: Order
    product: Product
    buyer: Buyer
    merchant: User

    @property
    def currency(self) -> str:
        return self.order.currency


def list_orders(
    session: Session, page: PageRequest, *, user_id: UUID, **filters: Any
) -> Page[OrderDetails]:
    """The user's orders, newest first.

    filters: status, an OrderStatus; number, of one order; within: when they were created.
    """
    found = repository.list_orders(session, page, buyer_id=user_id, **filters)
    return found.with_data(OrderDetails(*row) for row in found.data)


def require_delivery(
    session: Session, *, order_id: UUID, user_id: UUID, base_url: str
) -> dict[str, Any]:
    """What was delivered for an order, serialized as sent to clients. base_url: of the API.

    Raises OrderNotFound for anyone but the buyer, OrderNotDelivered.
    """
    row = repository.get_order_for(session, order_id=order_id, user_id=user_id, lock=True)
    if row is None or row.Order.user_id != user_id:
        raise OrderNotFound
    order, product, _ = row
    if order.status != OrderStatus.COMPLETED:
        raise OrderNotDelivered(status=order.status)
    units = order.quantity - order.refunded_units
    line = OrderLine.of(order, kind=product.kind, quantity=units)
    return delivery.render(session, line, base_url=base_url)


def numbers_of(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """The numbers of orders by id, and by the ids of their refunds. ids: of both."""
    return repository.get_numbers(session, ids)


def require_order(session: Session, *, order_id: UUID, user_id: UUID) -> OrderDetails:
    """An order, for its buyer or its merchant. Raises OrderNotFound for anyone else."""
    row = repository.get_order_for(session, order_id=order_id, user_id=user_id)
    if row is None:
        raise OrderNotFound
    return OrderDetails(*row)


def require_order_of_party(session: Session, *, order_id: UUID, user_id: UUID) -> OrderOfParty:
    """An order as its buyer or its merchant sees it. Raises OrderNotFound for anyone else."""
    row = repository.get_order_for(session, order_id=order_id, user_id=user_id)
    if row is None:
        raise OrderNotFound
    order, product, buyer = row
    names = (buyer.first_name, buyer.last_name) if buyer.id == user_id else public_names(buyer)
    merchant = auth.require_user(session, order.merchant_id)
    return OrderOfParty(order, product, Buyer(buyer.id, buyer.email, *names), merchant)
