"""Orders: buying, and looking at what was bought and sold."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.common import clock
from app.common.pagination import Page, PageRequest
from app.events import service as events
from app.orders import checkout, repository
from app.orders.checkout import Purchase, Sale
from app.orders.errors import OrderNotFound
from app.orders.models import Order
from app.products import service as products
from app.products.models import Product
from app.wallets import ledger
from app.wallets import service as wallets
from app.wallets.models import WalletKind, WalletTransaction


@dataclass(frozen=True, slots=True)
class Receipt:
    """An order with what it names."""

    order: Order
    product: Product
    buyer: User

    @property
    def currency(self) -> str:
        return self.order.currency


def line_of(session: Session, *, product_id: UUID, buyer_id: UUID) -> list[UUID]:
    """Whose wallets a purchase is about to lock: the line it has to stand in."""
    merchant_id = products.merchant_of(session, product_id)
    return [buyer_id, merchant_id] if merchant_id else [buyer_id]


def queue_up(session: Session, line: list[UUID]) -> None:
    """Stand in line behind purchases that want the same rows, before there is a snapshot.

    A SERIALIZABLE transaction that waits for a row sees it change and fails – always. Waiting
    for a gate first costs nothing and saves the retries.
    """
    repository.lock_gates(session, line)


def buy(session: Session, purchase: Purchase, *, fee_bps: int) -> Receipt:
    """Sell the product to the buyer, all or nothing. The transaction must be SERIALIZABLE.

    fee_bps: the platform's share in hundredths of a percent. Raises what `checkout.decide` raises.
    """
    product = products.lock_stock(session, [purchase.product_id]).get(purchase.product_id)
    accounts = (
        wallets.lock_accounts(
            session,
            user_ids=[purchase.buyer.id, product.merchant_id],
            currency=product.currency,
        )
        if product
        else {}
    )
    sale = checkout.decide(
        purchase,
        product=product,
        buyer=accounts.get(purchase.buyer.id),
        merchant=accounts.get(product.merchant_id) if product else None,
        fee_bps=fee_bps,
        now=clock.now(),
    )
    _write(session, sale)
    return Receipt(sale.order, sale.product, sale.buyer)


def _write(session: Session, sale: Sale) -> None:
    order = sale.order
    (postings,) = ledger.post(session, [sale.entry])
    products.take_stock(
        session,
        units={order.product_id: order.quantity},
        sold_out=sale.product.available_units == order.quantity,
    )
    repository.insert_orders(session, [order])
    events.record(session, _events(sale, postings))


def _events(sale: Sale, postings: list[WalletTransaction]) -> list[events.Event]:
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
        for posting, account in zip(postings, owners, strict=True)
        if account.kind == WalletKind.USER
    ]


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
