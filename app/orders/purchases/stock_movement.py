"""What purchases and refunds have in common: they sell and take back the same stock."""

from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from app.delivery import service as delivery
from app.delivery.handler import DeferredCheck
from app.orders.models import OrderStatus
from app.orders.purchases import locked_state
from app.orders.purchases.locked_state import LockedState, Refunded
from app.orders.purchases.pricing import Basket, Sale
from app.wallets.movements.movement import Movement

Result = TypeVar("Result")


class StockMovement(Movement[LockedState, Result]):
    """Records Sale for a purchase and Refunded for a refund."""

    @classmethod
    def kind(cls) -> "type[StockMovement[Any]]":
        return StockMovement

    def bought(self) -> Basket | None:
        """What it buys, None if it is a refund."""
        return None

    def refunded(self) -> tuple[UUID, UUID] | None:
        """The id of the order that it refunds, and of its product; None if it is a purchase."""
        return None

    @classmethod
    def lock(
        cls, session: Session, requests: Sequence[tuple[UUID, Self]]
    ) -> Callable[[], LockedState]:
        bought = [(user_id, movement.bought()) for user_id, movement in requests]
        refunded = [movement.refunded() for _, movement in requests]
        return locked_state.lock(
            session,
            [(user_id, basket) for user_id, basket in bought if basket is not None],
            [order for order in refunded if order is not None],
        )

    @classmethod
    def write(cls, session: Session, records: Sequence[Sale | Refunded]) -> Sequence[DeferredCheck]:
        sales = [each for each in records if isinstance(each, Sale)]
        refunded = [each for each in records if isinstance(each, Refunded)]
        checks = locked_state.write(session, sales, refunded)
        # What is under review is reserved, and delivered when it is released.
        paid = [sale for sale in sales if sale.order.status == OrderStatus.COMPLETED]
        delivery.deliver(session, [locked_state.line_of(sale) for sale in paid])
        return checks
