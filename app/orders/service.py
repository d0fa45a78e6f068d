"""Orders: buying, and looking at what was bought and sold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.auth.service import Caller
from app.common import clock
from app.common.db import new_id
from app.common.errors import AppError, Unauthorized
from app.common.pagination import Page, PageRequest
from app.events import service as events
from app.idempotency import service as idempotency
from app.orders import checkout, repository
from app.orders.checkout import NewOrder, Purchase, Sale
from app.orders.errors import OrderNotFound
from app.orders.models import Order
from app.products import service as products
from app.products.models import Product
from app.products.service import Stock
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.models import WalletKind


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
    product_id: UUID
    quantity: int
    request: idempotency.Request
    id: UUID = field(default_factory=new_id)


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
    stock_of = products.ask_stock(session, {job.product_id for job in jobs})
    callers, stocks = callers_of(), stock_of()
    live = [job for job in jobs if job.session_id in callers]

    def work(todo: Sequence[int]) -> list[idempotency.Answer | AppError]:
        purchases = [_purchase(live[n], callers[live[n].session_id]) for n in todo]
        sold = _sell(session, purchases, stocks, fee_bps=fee_bps)
        return [one if isinstance(one, AppError) else render(one) for one in sold]

    done = idempotency.once(session, replace(asked, requests=[job.request for job in live]), work)
    outcomes = dict(zip((job.id for job in live), done, strict=True))
    return [outcomes.get(job.id) or Unauthorized() for job in jobs]


def buy(session: Session, purchase: Purchase, *, fee_bps: int) -> Receipt:
    """Sell to one buyer. Raises what `checkout.decide` raises."""
    stocks = products.ask_stock(session, [purchase.product_id])()
    (outcome,) = _sell(session, [purchase], stocks, fee_bps=fee_bps)
    if isinstance(outcome, AppError):
        raise outcome
    return outcome


def _purchase(job: Job, buyer: Caller) -> Purchase:
    claim = job.request.claim
    return Purchase(buyer, job.product_id, job.quantity, claim.key if claim else None, job.id)


def _sell(
    session: Session,
    purchases: Sequence[Purchase],
    stocks: Mapping[UUID, Stock],
    *,
    fee_bps: int,
) -> list[Receipt | AppError]:
    shelf = _Shelf(stocks, _lock_accounts(session, purchases, stocks))
    outcomes: list[Receipt | AppError] = []
    sold: list[tuple[Sale, ledger.Draft]] = []
    for purchase in purchases:
        try:
            sale = _decide(purchase, shelf, fee_bps=fee_bps)
        except AppError as refusal:
            outcomes.append(refusal)
            continue
        sale.stock.take(sale.order.quantity)
        sold.append((sale, ledger.draft(sale.entry)))
        outcomes.append(Receipt(sale.order, sale.stock, sale.buyer))
    if sold:
        _write(session, sold)
    return outcomes


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Everything that a batch may touch, locked."""

    stocks: Mapping[UUID, Stock]
    accounts: Mapping[tuple[UUID, str], ledger.Account]


def _lock_accounts(
    session: Session, purchases: Sequence[Purchase], stocks: Mapping[UUID, Stock]
) -> dict[tuple[UUID, str], ledger.Account]:
    """The wallets of buyers and merchants, after the stock and in id order.

    That is the one order of locks there is.
    """
    people: dict[str, set[UUID]] = {}
    for purchase in purchases:
        if (stock := stocks.get(purchase.product_id)) is not None:
            people.setdefault(stock.currency, set()).update((purchase.buyer.id, stock.merchant_id))
    return {
        (user_id, currency): account
        for currency in sorted(people)
        for user_id, account in wallets.lock_accounts(
            session, user_ids=people[currency], currency=currency
        ).items()
    }


def _decide(purchase: Purchase, shelf: _Shelf, *, fee_bps: int) -> Sale:
    stock = shelf.stocks.get(purchase.product_id)
    accounts = shelf.accounts
    return checkout.decide(
        purchase,
        product=stock,
        buyer=accounts.get((purchase.buyer.id, stock.currency)) if stock else None,
        merchant=accounts.get((stock.merchant_id, stock.currency)) if stock else None,
        fee_bps=fee_bps,
        now=clock.now(),
    )


def _write(session: Session, sold: Sequence[tuple[Sale, ledger.Draft]]) -> None:
    ledger.write(session, [draft for _, draft in sold])
    products.write_stock(session, {sale.stock.id: sale.stock for sale, _ in sold}.values())
    repository.insert_orders(session, [sale.order for sale, _ in sold])
    events.record(session, [event for sale, draft in sold for event in _events(sale, draft)])


def _events(sale: Sale, draft: ledger.Draft) -> list[events.Event]:
    order = sale.order
    completed = events.Event(
        "order-completed",
        "order",
        order.id,
        {
            "userId": str(order.user_id),
            "merchantId": str(order.merchant_id),
            "productId": str(order.product_id),
            "quantity": order.quantity,
            "amount": order.amount,
            "fee": order.fee,
            "currency": order.currency,
        },
    )
    owners = [line.account for line in sale.entry.postings]
    return [completed] + [
        wallets.balance_event(posting, user_id=account.user_id)
        for posting, account in zip(draft.postings, owners, strict=True)
        if account.kind == WalletKind.USER
    ]


def sold_before(session: Session, job: Job) -> Receipt | None:
    """The order that this very job has become already, if it has."""
    row = repository.get_order_of(session, order_id=job.id, user_id=job.user_id)
    return Receipt(*row) if row is not None else None


def bought_by(session: Session, page: PageRequest, *, user_id: UUID) -> Page[Receipt]:
    """The user's orders, newest first."""
    return _page(session, page, buyer_id=user_id)


def sold_by(session: Session, page: PageRequest, *, merchant_id: UUID) -> Page[Receipt]:
    """The merchant's sales, newest first."""
    return _page(session, page, merchant_id=merchant_id)


def _page(session: Session, page: PageRequest, **whose: UUID) -> Page[Receipt]:
    rows = repository.orders_of(
        session,
        limit=page.limit + 1,
        offset=page.offset,
        below=page.after[0] if page.after else None,
        **whose,
    )
    return Page.of(
        page,
        [Receipt(*row) for row in rows],
        count=lambda: repository.count_orders(session, **whose),
        key=lambda receipt: (receipt.order.id,),
    )


def find(session: Session, *, order_id: UUID, user_id: UUID) -> Receipt:
    """An order, for its buyer and its merchant. Raises OrderNotFound for everybody else."""
    row = repository.get_order_of(session, order_id=order_id, user_id=user_id)
    if row is None:
        raise OrderNotFound
    return Receipt(*row)
