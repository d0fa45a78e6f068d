"""What a refund would move, before it is made."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app.common.money import Money
from app.orders import repository
from app.orders.errors import OrderNotFound
from app.orders.models import Order, RefundDestination
from app.orders.refunds.service import break_down, goes_to_gateway, require_refundable


@dataclass(frozen=True, slots=True)
class RefundPreview:
    """What a refund of `order` would move, and what could be refunded afterwards.

    amount, fee, amount_left: minor units; net: what the merchant's wallet pays.
    """

    order: Order
    amount: int
    fee: int
    units: int

    @property
    def currency(self) -> str:
        return self.order.currency

    @property
    def order_number(self) -> str:
        return self.order.number

    @property
    def net(self) -> int:
        return self.amount - self.fee

    @property
    def destination(self) -> RefundDestination:
        at_gateway = goes_to_gateway(self.order, self.amount)
        return RefundDestination.GATEWAY if at_gateway else RefundDestination.WALLET

    @property
    def amount_left(self) -> int:
        return self.order.amount - self.order.refunded_amount - self.amount

    @property
    def units_left(self) -> int:
        return self.order.quantity - self.order.refunded_units - self.units


def preview_refund(
    session: Session,
    *,
    merchant_id: UUID | None,
    order_id: UUID,
    amount: Decimal | None = None,
    units: int | None = None,
) -> RefundPreview:
    """What `create_refund` with the same arguments would move. Changes nothing.

    merchant_id: None for an order of any merchant. Raises OrderNotFound, OrderNotRefundable,
    AmountInvalid and what `break_down` raises.
    """
    order = repository.get_order(session, order_id=order_id, merchant_id=merchant_id)
    if order is None:
        raise OrderNotFound
    require_refundable(order)
    minor = None if amount is None else Money.of(amount, order.currency).minor
    found = break_down(order, amount=minor, units=units)
    return RefundPreview(order, found.amount, found.fee, found.units)
