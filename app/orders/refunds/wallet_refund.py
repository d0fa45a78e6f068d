"""Refunds that batches execute: to a wallet, and without goods to revoke.

Other refunds are transactions of their own (docs/decisions/0017): codes, licences and files are
revoked row by row, and the gateway is asked after the commit.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.common.money import Money
from app.orders.errors import OrderNotFound
from app.orders.purchases.locked_state import LockedState, Refunded
from app.orders.purchases.stock_movement import StockMovement
from app.orders.refunds import service
from app.orders.refunds.service import RefundDetails
from app.wallets import service as wallets
from app.wallets.movements.locked_wallets import NeededWallets
from app.wallets.movements.movement import Decision, Turn


@dataclass(frozen=True, slots=True)
class WalletRefund(StockMovement[RefundDetails]):
    """Refunds `amount` or `units` of an order of the caller, or all that remains.

    product_id: of the order, as `repository.get_plain_product_id` found it; amount: units of its
    currency.
    """

    order_id: UUID
    product_id: UUID
    amount: Decimal | None = None
    units: int | None = None
    reason: str | None = None

    def refunded(self) -> tuple[UUID, UUID]:
        return self.order_id, self.product_id

    def wallets_needed(self, user_id: UUID, rows: LockedState) -> NeededWallets | None:
        order = rows.orders.get(self.order_id)
        if order is None:
            return None
        return NeededWallets(order.currency, others=(order.merchant_id, order.user_id))

    def decide(self, turn: Turn, rows: LockedState) -> Decision[RefundDetails]:
        """Raises OrderNotFound, OrderNotRefundable, AmountInvalid, WalletNotFound and what
        `service.break_down` and `service.decide` raise."""
        order = rows.orders.get(self.order_id)
        if order is None or order.merchant_id != turn.caller.id:
            raise OrderNotFound
        service.require_refundable(order)
        minor = None if self.amount is None else Money.of(self.amount, order.currency).minor
        refund, entry = service.decide(
            order,
            service.break_down(order, amount=minor, units=self.units),
            payer=turn.wallets.require(order.merchant_id, order.currency),
            buyer=turn.wallets.require(order.user_id, order.currency),
            by=turn.caller.id,
            reason=self.reason,
            idempotency_key=turn.idempotency_key,
            refund_id=turn.attempt_id,
        )
        stock = rows.stocks[self.product_id]
        service.record(refund, order, stock, restored_units=refund.units)
        rows.take_back(order, units=refund.units)
        made = RefundDetails(refund, order.number)
        record, refunded = Refunded(refund, order, stock), service.refunded_event(refund, order)
        if entry is None:
            return Decision(made, record=record, events=[refunded])
        posted = turn.wallets.post(entry)
        return Decision(
            made,
            record=record,
            entry=posted,
            events=[refunded, *wallets.balance_events(posted)],
        )
