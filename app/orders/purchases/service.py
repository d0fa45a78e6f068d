"""Purchases from the wallet, and the orders of a user."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.auth.service import Caller
from app.auth.two_factor.service import SecondFactor
from app.common import clock
from app.common.errors import AppError, Unauthorized
from app.common.ids import new_id
from app.common.pagination import Page, PageRequest
from app.delivery import service as delivery
from app.delivery.handler import OrderLine
from app.events import service as events
from app.events.base import Event
from app.events.catalogue.orders import OrderCompleted
from app.idempotency import service as idempotency
from app.orders import repository
from app.orders.errors import OrderNotDelivered, OrderNotFound
from app.orders.models import Order, OrderStatus
from app.orders.purchases import locked_state, pricing
from app.orders.purchases.locked_state import LockedState
from app.orders.purchases.pricing import Basket, Purchase, Sale
from app.products.models import Product
from app.products.service import Stock
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.ledger import Account, Authorization
from app.wallets.outflow import Outflow


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
class PurchaseJob:
    """A requested purchase, independent of the HTTP request that it came with.

    session_id: the login session that must still be valid; second_factor: the buyer's; id: of the
    order that it may become.
    """

    user_id: UUID
    session_id: UUID
    basket: Basket
    second_factor: SecondFactor
    request: idempotency.Request
    id: UUID = field(default_factory=new_id)

    def purchase(self, buyer: Caller) -> Purchase:
        claim = self.request.claim
        return Purchase(buyer, self.basket, claim.key if claim else None, self.id)


#: Returns the response for an order.
Render = Callable[[OrderDetails], idempotency.StoredResponse]


def buy_all(
    session: Session, jobs: Sequence[PurchaseJob], *, fee_bps: int, render: Render
) -> list[idempotency.StoredResponse | AppError]:
    """Decide and write purchases in order of arrival; the outcome of each.

    The transaction must be SERIALIZABLE. A refused purchase does not affect the others.
    fee_bps: the platform fee in basis points.
    """
    # All queries are sent before any result is read: one round trip in a pipeline.
    callers_of = auth.query_callers(session, [job.session_id for job in jobs])
    claimed = idempotency.claim_keys(session, [job.request for job in jobs])
    locked = locked_state.lock(session, [(job.user_id, job.basket) for job in jobs])
    callers, state = callers_of(), locked()
    valid = [job for job in jobs if job.session_id in callers]

    def work(todo: Sequence[int]) -> list[idempotency.StoredResponse | AppError]:
        requested = [
            (job.purchase(callers[job.session_id]), job.second_factor)
            for job in (valid[n] for n in todo)
        ]
        sold = _sell(session, requested, state, fee_bps=fee_bps)
        return [one if isinstance(one, AppError) else render(one) for one in sold]

    done = idempotency.run_claimed(
        session, replace(claimed, requests=[job.request for job in valid]), work
    )
    outcomes = dict(zip((job.id for job in valid), done, strict=True))
    return [outcomes.get(job.id) or Unauthorized() for job in jobs]


def buy(
    session: Session, purchase: Purchase, *, second_factor: SecondFactor, fee_bps: int
) -> OrderDetails:
    """Decide and write one purchase. Raises what `pricing.decide` raises."""
    state = locked_state.lock(session, [(purchase.buyer.id, purchase.basket)])()
    (outcome,) = _sell(session, [(purchase, second_factor)], state, fee_bps=fee_bps)
    if isinstance(outcome, AppError):
        raise outcome
    return outcome


def _sell(
    session: Session,
    requested: Sequence[tuple[Purchase, SecondFactor]],
    state: LockedState,
    *,
    fee_bps: int,
) -> list[OrderDetails | AppError]:
    state.lock_payers(session, [purchase for purchase, _ in requested])
    outcomes: list[OrderDetails | AppError] = []
    sold: list[tuple[Sale, ledger.AppliedEntry | None]] = []
    for purchase, second_factor in requested:
        try:
            sale = _decide(session, purchase, state, second_factor=second_factor, fee_bps=fee_bps)
        except AppError as error:
            outcomes.append(error)
            continue
        state.apply(sale)
        sold.append((sale, ledger.apply(sale.entry) if sale.entry else None))
        outcomes.append(OrderDetails(sale.order, sale.stock, sale.buyer))
    if sold:
        for outflows in state.outflows.values():
            outflows.record_payees(session)
        _write(session, sold)
    return outcomes


def _decide(
    session: Session,
    purchase: Purchase,
    state: LockedState,
    *,
    second_factor: SecondFactor,
    fee_bps: int,
) -> Sale:
    def authorize(account: Account, outflow: Outflow) -> Authorization:
        return state.outflows[account.currency].authorize(
            session, account, outflow, second_factor=second_factor
        )

    stock = state.stocks.get(purchase.basket.product_id)
    return pricing.decide(
        purchase,
        product=stock,
        buyer=state.get_account(purchase.buyer.id, stock),
        merchant=state.get_account(stock.merchant_id, stock) if stock else None,
        coupon=state.coupon_for(purchase, stock),
        units_before=state.units_of(purchase),
        fee_bps=fee_bps,
        now=clock.now(),
        authorize=authorize,
    )


def _write(session: Session, sold: Sequence[tuple[Sale, ledger.AppliedEntry | None]]) -> None:
    sales = [sale for sale, _ in sold]
    entries = [applied for _, applied in sold if applied is not None]
    if entries:
        ledger.write_entries(session, entries)
    checks = locked_state.write(session, sales)
    delivery.deliver(session, [locked_state.line_of(sale) for sale in sales])
    events.record(session, [event for sale, applied in sold for event in _events(sale, applied)])
    for check in checks:
        check()


def _events(sale: Sale, applied: ledger.AppliedEntry | None) -> list[Event]:
    completed = OrderCompleted.of(sale.order)
    return [completed] if applied is None else [completed, *wallets.balance_events(applied)]


def get_completed_order(session: Session, job: PurchaseJob) -> OrderDetails | None:
    """The order that this job has already become, if any."""
    row = repository.get_order_for(session, order_id=job.id, user_id=job.user_id)
    return OrderDetails(*row) if row is not None else None


def list_orders(
    session: Session, page: PageRequest, *, user_id: UUID, status: str | None = None
) -> Page[OrderDetails]:
    """The user's orders, newest first. status: only those of this OrderStatus."""
    found = repository.list_orders(session, page, buyer_id=user_id, status=status)
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
    line = OrderLine(order.id, product.id, product.kind, order.quantity - order.refunded_units)
    return delivery.render(session, line, base_url=base_url)


def require_order(session: Session, *, order_id: UUID, user_id: UUID) -> OrderDetails:
    """An order, for its buyer or its merchant. Raises OrderNotFound for anyone else."""
    row = repository.get_order_for(session, order_id=order_id, user_id=user_id)
    if row is None:
        raise OrderNotFound
    return OrderDetails(*row)
