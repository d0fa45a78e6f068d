"""The interface of the delivery kinds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from uuid import UUID

from sqlalchemy.orm import Session

from app.common.fields import Schema
from app.products.models import Product, ProductKind


@dataclass(frozen=True, slots=True)
class OrderLine:
    """Units of a product in an order. kind: of the product."""

    order_id: UUID
    order_number: str
    product_id: UUID
    kind: str
    quantity: int
    merchant_id: UUID

    @classmethod
    def of(cls, order: Any, *, kind: str, quantity: int | None = None) -> Self:
        """The line of an order. quantity: the ordered one if None."""
        units = order.quantity if quantity is None else quantity
        return cls(order.id, order.number, order.product_id, kind, units, order.merchant_id)


class StockMismatch(AssertionError):
    """A bug: fewer units can be delivered than the stock shows."""


#: Called after all statements of a transaction have been sent. Raises StockMismatch.
DeferredCheck = Callable[[], None]


class DeliveryHandler:
    """Delivers the products of one kind. The defaults deliver nothing but the order itself.

    The caller has locked the products and the orders. Everything happens in its transaction, which
    may be a pipeline: `reserve` and `deliver` send statements and read nothing (see
    app.common.driver).

    kind: of the products. max_units_per_order: for handlers that process unit by unit while the
    buyer waits; None for no limit of its own. schema: the fields that `render` returns.
    code_column: the name of a column with what `list_codes` returns.
    """

    kind: ClassVar[ProductKind] = ProductKind.PLAIN
    max_units_per_order: ClassVar[int | None] = None
    schema: ClassVar[type[Schema]] = Schema
    code_column: ClassVar[str | None] = None

    def reserve(self, session: Session, lines: Sequence[OrderLine]) -> DeferredCheck | None:
        """Reserve what orders that were just inserted, paid or not, will deliver."""
        return None

    def deliver(self, session: Session, lines: Sequence[OrderLine]) -> None:
        """Deliver what was reserved, in the transaction that completes the orders."""

    def release(self, session: Session, line: OrderLine) -> None:
        """Release what was reserved for an order that will not be paid."""

    def revoke(self, session: Session, line: OrderLine, *, units: int) -> int:
        """Revoke delivered units. Returns how many of them can be sold again.

        All calls for an order revoke at most `quantity` units in total.
        """
        return units

    def revoke_links(self, session: Session, *, order_id: UUID) -> None:
        """Invalidate the links that `render` has returned for an order so far."""

    def discard(self, session: Session, product: Product) -> None:
        """Give up what no order needs of a product that is being deleted."""

    def list_codes(self, session: Session, line: OrderLine) -> Sequence[str]:
        """What can be handed on as text, one per unit: of kinds whose `code_column` is set."""
        return ()

    def render(self, session: Session, line: OrderLine, *, base_url: str) -> dict[str, Any]:
        """What the buyer has, serialized as `schema`. base_url: of the API, for links."""
        return {}
