"""Purchases that wait for a review: the order and its units exist, the money is on hold."""

from uuid import UUID

from sqlalchemy.orm import Session

from app.common import clock
from app.coupons import service as coupons
from app.delivery import service as delivery
from app.delivery.handler import OrderLine
from app.events import service as events
from app.events.catalogue.orders import OrderCompleted, OrderRejected
from app.orders import repository
from app.orders.models import Order, OrderStatus
from app.orders.purchases import pricing
from app.products import service as products
from app.products.service import Stock
from app.risk.errors import CaseNotFound
from app.risk.models import RiskCase
from app.risk.screening import Reviewed
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.holds import lifecycle
from app.wallets.models import HoldStatus
from app.wallets.movements.reviewed import release_hold
from app.wallets.outflow import of_hold


def release(session: Session, case: RiskCase, reviewed: Reviewed) -> UUID:
    """Pay for the order, and deliver it. Returns its id.

    The buyer has agreed to pay and the units are reserved, so the goods are delivered even if the
    product was deleted meanwhile, as with an order that is paid at the gateway.
    Raises HoldClosed, WalletNotFound, WalletLocked, BalanceTooLarge.
    """
    order, stock = _lock(session, case)
    hold = lifecycle.require_active(session, case.hold_id)
    accounts = wallets.require_accounts(
        session, order.user_id, order.merchant_id, currency=order.currency
    )
    buyer, merchant = accounts[order.user_id], accounts[order.merchant_id]
    lifecycle.close(hold, buyer, HoldStatus.VOIDED)
    buyer.require_can_pay(order.amount)
    merchant.require_can_receive(order.amount)
    authorization = of_hold(hold, reviewed)
    entry = pricing.payment_entry(
        order, stock.name, buyer, merchant, kind="PURCHASE", authorization=authorization
    )
    posted = ledger.post(session, entry)
    delivery.deliver(session, [OrderLine.of(order, kind=stock.kind)])
    now = clock.now()
    order.status, order.completed_at, order.updated_at = OrderStatus.COMPLETED.value, now, now
    session.flush()
    completed = OrderCompleted.of(order, **authorization.risk)
    events.record(session, [completed, *wallets.balance_events(posted)])
    return order.id


def reject(session: Session, case: RiskCase, *, reason: str) -> None:
    """Release what the order has reserved. Raises HoldClosed, WalletNotFound."""
    order, stock = _lock(session, case)
    release_hold(session, case)
    delivery.release(session, OrderLine.of(order, kind=stock.kind))
    stock.restock(order.quantity)
    products.write_stock(session, [stock])
    coupons.release_use(session, order_id=order.id)
    order.status, order.failure_reason = OrderStatus.FAILED.value, reason
    order.failed_at = order.updated_at = clock.now()
    session.flush()
    events.record(session, [OrderRejected.of(order)])


def _lock(session: Session, case: RiskCase) -> tuple[Order, Stock]:
    """Lock the order, its product first, as purchases do. Raises CaseNotFound."""
    if case.reference_id is None:
        raise CaseNotFound
    product_id = repository.get_product_id(session, order_id=case.reference_id)
    if product_id is None:
        raise CaseNotFound
    stock = products.lock_stock(session, [product_id])()[product_id]
    return repository.lock_order(session, case.reference_id), stock
