"""Orders: buying, and looking at what was bought and sold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.auth.service import Caller
from app.common import clock
from app.common.db import new_id
from app.common.errors import AppError, Unauthorized
from app.common.pagination import Page, PageRequest
from app.delivery import service as delivery
from app.delivery.goods import Line
from app.events import service as events
from app.events.base import Event
from app.events.catalogue.orders import OrderCompleted
from app.idempotency import service as idempotency
from app.orders import repository
from app.orders.errors import OrderNotDelivered, OrderNotFound
from app.orders.models import Order, OrderStatus
from app.orders.purchases import locked_state, pricing
from app.orders.purchases.locked_state import Shelf
from app.orders.purchases.pricing import Basket, NewOrder, Purchase, Sale
from app.products.models import Product
from app.products.service import Stock
from app.wallets import ledger
from app.wallets import service as wallets


@dataclass(frozen=True, slots=True)
class Receipt:
    """An order with what it names."""

    order: Order | NewOrder
    product: Product | Stock
    buyer: User | Caller

    @property
    def currency(self) -> str:
        return self.order.currency


@dataclass(frozen=True, slots=True)
class Job:
    """A purchase as it was asked for, complete without the request that asked for it.

    session_id: the login session that must still hold; id: of the order it may become.
    """

    user_id: UUID
    session_id: UUID
    basket: Basket
    request: idempotency.Request
    id: UUID = field(default_factory=new_id)

    def purchase(self, buyer: Caller) -> Purchase:
        claim = self.request.claim
        return Purchase(buyer, self.basket, claim.key if claim else None, self.id)


#: How an order becomes the answer to the request that made it.
Render = Callable[[Receipt], idempotency.Answer]


def buy_all(
    session: Session, jobs: Sequence[Job], *, fee_bps: int, render: Render
) -> list[idempotency.Answer | AppError]:
    """Sell to each in order of arrival, and say for each what became of it.

    The transaction must be SERIALIZABLE. A refusal harms nobody else; fee_bps: the platform's
    share in hundredths of a percent.
    """
    # Everything is asked before anything is read: in a pipeline that is one round trip.
    callers_of = auth.ask_callers(session, [job.session_id for job in jobs])
    asked = idempotency.ask(session, [job.request for job in jobs])
    locked = locked_state.lock(session, [(job.user_id, job.basket) for job in jobs])
    callers, held = callers_of(), locked()
    live = [job for job in jobs if job.session_id in callers]

    def work(todo: Sequence[int]) -> list[idempotency.Answer | AppError]:
        purchases = [live[n].purchase(callers[live[n].session_id]) for n in todo]
        sold = _sell(session, purchases, held, fee_bps=fee_bps)
        return [one if isinstance(one, AppError) else render(one) for one in sold]

    done = idempotency.once(session, replace(asked, requests=[job.request for job in live]), work)
    outcomes = dict(zip((job.id for job in live), done, strict=True))
    return [outcomes.get(job.id) or Unauthorized() for job in jobs]


def buy(session: Session, purchase: Purchase, *, fee_bps: int) -> Receipt:
    """Sell to one buyer. Raises what `checkout.decide` raises."""
    held = locked_state.lock(session, [(purchase.buyer.id, purchase.basket)])()
    (outcome,) = _sell(session, [purchase], held, fee_bps=fee_bps)
    if isinstance(outcome, AppError):
        raise outcome
    return outcome


def _sell(
    session: Session, purchases: Sequence[Purchase], held: Shelf, *, fee_bps: int
) -> list[Receipt | AppError]:
    held.lock_accounts(session, purchases)
    outcomes: list[Receipt | AppError] = []
    sold: list[tuple[Sale, ledger.Draft | None]] = []
    for purchase in purchases:
        try:
            sale = _decide(purchase, held, fee_bps=fee_bps)
        except AppError as refusal:
            outcomes.append(refusal)
            continue
        held.take(sale)
        sold.append((sale, ledger.draft(sale.entry) if sale.entry else None))
        outcomes.append(Receipt(sale.order, sale.stock, sale.buyer))
    if sold:
        _write(session, sold)
    return outcomes


def _decide(purchase: Purchase, held: Shelf, *, fee_bps: int) -> Sale:
    stock = held.stocks.get(purchase.basket.product_id)
    return pricing.decide(
        purchase,
        product=stock,
        buyer=held.account_of(purchase.buyer.id, stock),
        merchant=held.account_of(stock.merchant_id, stock) if stock else None,
        coupon=held.coupon_for(purchase, stock),
        units_before=held.units_of(purchase),
        fee_bps=fee_bps,
        now=clock.now(),
    )


def _write(session: Session, sold: Sequence[tuple[Sale, ledger.Draft | None]]) -> None:
    sales = [sale for sale, _ in sold]
    drafts = [draft for _, draft in sold if draft is not None]
    if drafts:
        ledger.write(session, drafts)
    checks = locked_state.write(session, sales)
    delivery.deliver(session, [locked_state.line_of(sale) for sale in sales])
    events.record(session, [event for sale, draft in sold for event in _events(sale, draft)])
    for check in checks:
        check()


def _events(sale: Sale, draft: ledger.Draft | None) -> list[Event]:
    order = sale.order
    completed = OrderCompleted(
        aggregate_id=order.id,
        user_id=order.user_id,
        merchant_id=order.merchant_id,
        product_id=order.product_id,
        quantity=order.quantity,
        discount=order.discount,
        amount=order.amount,
        fee=order.fee,
        currency=order.currency,
    )
    return [completed] if draft is None else [completed, *wallets.balance_events(draft)]


def sold_before(session: Session, job: Job) -> Receipt | None:
    """The order that this very job has become already, if it has."""
    row = repository.get_order_of(session, order_id=job.id, user_id=job.user_id)
    return Receipt(*row) if row is not None else None


def bought_by(
    session: Session, page: PageRequest, *, user_id: UUID, status: str | None = None
) -> Page[Receipt]:
    """The user's orders, newest first. status: only those of this OrderStatus."""
    rows = repository.orders_of(
        session,
        buyer_id=user_id,
        status=status,
        limit=page.limit + 1,
        offset=page.offset,
        below=page.after[0] if page.after else None,
    )
    return Page.of(
        page,
        [Receipt(*row) for row in rows],
        count=lambda: repository.count_orders(session, buyer_id=user_id, status=status),
        key=lambda receipt: (receipt.order.id,),
    )


def open_delivery(session: Session, *, order_id: UUID, user_id: UUID, base: str) -> dict[str, Any]:
    """What the buyer has of an order, as it goes over the wire. base: where the API is.

    Raises OrderNotFound for everybody but the buyer, OrderNotDelivered.
    """
    row = repository.get_order_of(session, order_id=order_id, user_id=user_id, lock=True)
    if row is None or row.Order.user_id != user_id:
        raise OrderNotFound
    order, product, _ = row
    if order.status != OrderStatus.COMPLETED:
        raise OrderNotDelivered(status=order.status)
    line = Line(order.id, product.id, product.kind, order.quantity - order.refunded_units)
    goods = delivery.show(session, line, base=base)
    return {"orderId": order.id, "kind": product.kind, "units": line.quantity} | goods


def find(session: Session, *, order_id: UUID, user_id: UUID) -> Receipt:
    """An order, for its buyer and its merchant. Raises OrderNotFound for everybody else."""
    row = repository.get_order_of(session, order_id=order_id, user_id=user_id)
    if row is None:
        raise OrderNotFound
    return Receipt(*row)
