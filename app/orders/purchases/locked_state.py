"""The rows that purchases lock and write, with any payment method."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from uuid import UUID

from sqlalchemy.orm import Session

from app.coupons import service as coupons
from app.coupons.models import CouponUseRow
from app.coupons.service import LockedCoupon, LockedCoupons
from app.delivery import service as delivery
from app.delivery.handler import DeferredCheck, OrderLine
from app.orders import repository
from app.orders.purchases.pricing import Basket, Purchase, Sale
from app.products import service as products
from app.products.service import Stock
from app.wallets import ledger, outflow
from app.wallets import service as wallets
from app.wallets.models import TransactionType
from app.wallets.outflow import Outflows


@dataclass(frozen=True, slots=True)
class LockedState:
    """Every row that a batch may change, locked, with the changes decided so far.

    units: units that buyers own of products with a purchase limit, by buyer and product; outflows:
    what buyers may still spend, by currency.
    """

    stocks: Mapping[UUID, Stock]
    coupons: LockedCoupons
    units: dict[tuple[UUID, UUID], int]
    accounts: dict[tuple[UUID, str], ledger.Account] = field(default_factory=dict)
    outflows: dict[str, Outflows] = field(default_factory=dict)

    def lock_accounts(self, session: Session, purchases: Sequence[Purchase]) -> None:
        """Lock the wallets of buyers and merchants, last of all and in id order."""
        for currency, sold in self._by_currency(purchases):
            ids = {user_id for purchase, stock in sold for user_id in _parties(purchase, stock)}
            accounts = wallets.lock_accounts(session, user_ids=ids, currency=currency)
            self._add_accounts(accounts, currency)

    def lock_payers(self, session: Session, purchases: Sequence[Purchase]) -> None:
        """As `lock_accounts`, and read what the buyers may still spend, in the same round trip."""
        for currency, sold in self._by_currency(purchases):
            ids = {user_id for purchase, stock in sold for user_id in _parties(purchase, stock)}
            accounts_of = wallets.query_accounts(session, user_ids=ids, currency=currency)
            outflows_of = outflow.query(
                session,
                payer_ids={purchase.buyer.id for purchase, _ in sold},
                kind=TransactionType.PAYMENT,
                currency=currency,
            )
            accounts = accounts_of()
            self._add_accounts(accounts, currency)
            self.outflows[currency] = outflows_of(accounts)

    def _by_currency(
        self, purchases: Sequence[Purchase]
    ) -> list[tuple[str, list[tuple[Purchase, Stock]]]]:
        found: dict[str, list[tuple[Purchase, Stock]]] = {}
        for purchase in purchases:
            if (stock := self.stocks.get(purchase.basket.product_id)) is not None:
                found.setdefault(stock.currency, []).append((purchase, stock))
        return sorted(found.items(), key=itemgetter(0))

    def _add_accounts(self, accounts: Mapping[UUID, ledger.Account], currency: str) -> None:
        self.accounts.update(
            ((user_id, currency), account) for user_id, account in accounts.items()
        )

    def get_account(self, user_id: UUID, stock: Stock | None) -> ledger.Account | None:
        """The user's wallet in the currency of that product."""
        return self.accounts.get((user_id, stock.currency)) if stock else None

    def coupon_for(self, purchase: Purchase, stock: Stock | None) -> LockedCoupon | None:
        """The coupon that the purchase names, if its merchant has one of that code."""
        code = purchase.basket.coupon_code
        return self.coupons.get((stock.merchant_id, code)) if stock and code else None

    def units_of(self, purchase: Purchase) -> int:
        """Units that the buyer owns of the product, if it has a purchase limit."""
        return self.units.get((purchase.buyer.id, purchase.basket.product_id), 0)

    def apply(self, sale: Sale) -> None:
        """Take an accepted purchase into account in the next decisions."""
        order = sale.order
        sale.stock.sell(order.quantity)
        if sale.coupon is not None:
            sale.coupon.use(order.user_id)
        key = (order.user_id, order.product_id)
        self.units[key] = self.units.get(key, 0) + order.quantity


def _parties(purchase: Purchase, stock: Stock) -> tuple[UUID, UUID]:
    """The buyer and the merchant."""
    return purchase.buyer.id, stock.merchant_id


def lock(session: Session, baskets: Sequence[tuple[UUID, Basket]]) -> Callable[[], LockedState]:
    """Send the statements that lock stock and then coupons; call the result to read the rows.

    baskets: with the buyer's id. Wallets are locked later, because the merchant is only known from
    the product.
    """
    stocks_of = products.lock_stock(session, {basket.product_id for _, basket in baskets})
    coupons_of = coupons.lock(
        session,
        [
            coupons.CouponRequest(basket.product_id, basket.coupon_code, user_id)
            for user_id, basket in baskets
            if basket.coupon_code is not None
        ],
    )

    def locked() -> LockedState:
        stocks = stocks_of()
        limited = [
            {"user_id": user_id, "product_id": basket.product_id}
            for user_id, basket in baskets
            if (stock := stocks.get(basket.product_id)) and stock.purchase_limit is not None
        ]
        units = repository.count_units(session, limited) if limited else {}
        return LockedState(stocks, coupons_of(), units)

    return locked


def write(session: Session, sales: Sequence[Sale]) -> list[DeferredCheck]:
    """Write stock, orders and coupon uses, and reserve what will be delivered.

    Call the returned checks once every statement of the transaction has been sent.
    """
    products.write_stock(session, {sale.stock.id: sale.stock for sale in sales}.values())
    repository.insert_orders(session, [sale.order for sale in sales])
    _write_coupons(session, sales)
    return delivery.reserve(session, [line_of(sale) for sale in sales])


def line_of(sale: Sale) -> OrderLine:
    """The order line of a sale, as delivery handlers take it."""
    return OrderLine(sale.order.id, sale.stock.id, sale.stock.kind, sale.order.quantity)


def _write_coupons(session: Session, sales: Sequence[Sale]) -> None:
    with_coupon = [(sale.order, sale.coupon) for sale in sales if sale.coupon is not None]
    coupons.record_uses(
        session,
        [
            CouponUseRow(
                order_id=order.id,
                coupon_id=coupon.id,
                user_id=order.user_id,
                discount=order.discount,
                created_at=order.created_at,
                released_at=None,
            )
            for order, coupon in with_coupon
        ],
        {coupon.id: coupon for _, coupon in with_coupon}.values(),
    )
