"""What every kind of goods can do. A module can be one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Line:
    """Units of a product that one order is about. kind: of the product."""

    order_id: UUID
    product_id: UUID
    kind: str
    quantity: int


class GoodsMissing(AssertionError):
    """A bug: the stock said that there was something to deliver, and there is not."""


#: Called once everything of a transaction was sent. Raises GoodsMissing.
Check = Callable[[], None]


class Goods(Protocol):
    """One kind of goods. The caller holds the rows of the products and of the orders.

    Everything happens in the transaction of the caller, which may be a pipeline: `reserve` and
    `deliver` send statements and read nothing (see app.common.driver).
    """

    def reserve(self, session: Session, lines: Sequence[Line]) -> Check | None:
        """Set goods aside for orders that were just written, paid or not."""

    def deliver(self, session: Session, lines: Sequence[Line]) -> None:
        """Make what was reserved the buyers', whose orders are COMPLETED in this transaction."""

    def release(self, session: Session, line: Line) -> None:
        """Let go of what was reserved for an order that is not paid for."""

    def revoke(self, session: Session, line: Line, *, units: int) -> int:
        """Take the goods of that many units back; how many of them can be sold again.

        At most `quantity` in all calls for an order together.
        """

    def show(self, session: Session, line: Line, *, base: str) -> dict[str, Any]:
        """What the buyer has, as it goes over the wire. base: where the API is, for links."""
