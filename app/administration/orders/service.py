"""Orders of all merchants, as administrators see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.administration.orders import repository
from app.audit import service as audit
from app.auth.models import User
from app.common.csv_export import CsvBatch
from app.common.pagination import Page, PageRequest
from app.orders.errors import OrderNotFound
from app.orders.models import Checkout, Order
from app.orders.purchases.service import OrderDetails
from app.orders.refunds.service import RefundDetails
from app.products.models import Product

#: Refunds that are shown with an order.
MAX_REFUNDS: Final = 100


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order with everything about it except what was delivered.

    checkout: None if it was paid from a wallet.
    """

    order: Order
    product: Product
    buyer: User
    merchant: User
    checkout: Checkout | None
    refunds: Sequence[RefundDetails]

    @property
    def currency(self) -> str:
        return self.order.currency


@dataclass(frozen=True, slots=True)
class RefusedRefund(RefundDetails):
    """A refund that the gateway refuses to make, with those whom it concerns."""

    buyer: User
    merchant: User


#: The cells of a row of each export.
EXPORTED_ORDERS: Final = repository.ORDERS.cells
EXPORTED_REFUNDS: Final = repository.REFUSED_REFUNDS.cells


def list_orders(session: Session, page: PageRequest, **filters: Any) -> Page[OrderDetails]:
    """Orders, newest first.

    filters: within, when they were created; buyer_id, merchant_id, product_id, status, number,
    payment_method.
    """
    found = repository.ORDERS.read_page(session, page, **filters)
    return found.with_data(OrderDetails(*row) for row in found.data)


def export_orders(session: Session, **filters: Any) -> CsvBatch:
    """A batch of all orders of the list. filters: as of `list_orders`, with limit and below."""
    return repository.ORDERS.read_csv(session, **filters)


def list_refused_refunds(session: Session, page: PageRequest) -> Page[RefusedRefund]:
    """Refunds that wait for a decision or for the gateway to change its mind, newest first."""
    found = repository.REFUSED_REFUNDS.read_page(session, page)
    return found.with_data(RefusedRefund(*row) for row in found.data)


def export_refused_refunds(session: Session, *, limit: int, below: UUID | None) -> CsvBatch:
    """A batch of all refunds of the list."""
    return repository.REFUSED_REFUNDS.read_csv(session, limit=limit, below=below)


def require_order(session: Session, *, actor_id: UUID, order_id: UUID) -> OrderRecord:
    """An order. The audit log has who read it. Raises OrderNotFound."""
    row = repository.get_order(session, order_id)
    if row is None:
        raise OrderNotFound
    audit.record(session, actor_id=actor_id, action="order.view", target=("order", order_id))
    refunds = repository.list_refunds(session, order_id=order_id, limit=MAX_REFUNDS)
    order, product, buyer, merchant, checkout = row
    numbered = [RefundDetails(refund, order.number) for refund in refunds]
    return OrderRecord(order, product, buyer, merchant, checkout, numbered)
