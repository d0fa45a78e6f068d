"""The rows that purchases lock and write, besides wallets, with any payment method."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from app.coupons import service as coupons
from app.coupons.models import CouponUseRow
from app.coupons.service import LockedCoupon, LockedCoupons
from app.delivery import service as delivery
from app.delivery.handler import DeferredCheck, OrderLine
from app.orders import repository
from app.orders.models import Order, OrderRow, Refund
from app.orders.purchases.pricing import Basket, Purchase, Sale
from app.products import service as products
from app.products.service import Stock


@dataclass(frozen=True, slots=True)
class LockedState:
    """Stock and coupons, locked, with the changes decided so far.

    units: units that buyers own of products with a purchase limit, by buyer and product; numbers:
    one for each purchase, should it become an order; orders: those that are refunded.
    """

    stocks: Mapping[UUID, Stock]
    coupons: LockedCoupons
    units: dict[tuple[UUID, UUID], int]
    numbers: list[str]
    orders: Mapping[UUID, Order] = field(default_factory=dict)

    def coupon_for(self, purchase: Purchase, stock: Stock | None) -> LockedCoupon | None:
        """The coupon that the purchase names, if its merchant has one of that code."""
        code = purchase.basket.coupon_code
        return self.coupons.get((stock.merchant_id, code)) if stock and code else None

    def units_of(self, purchase: Purchase) -> int:
        """Units that the buyer owns of the product, if it has a purchase limit."""
        return self.units.get((purchase.buyer.id, purchase.basket.product_id), 0)

    def take_number(self) -> str:
        """A number for one order."""
        return self.numbers.pop()

    def apply(self, sale: Sale) -> None:
        """Take an accepted purchase into account in the next decisions."""
        order = sale.order
        sale.stock.sell(order.quantity)
        if sale.coupon is not None:
            sale.coupon.use(order.user_id)
        key = (order.user_id, order.product_id)
        self.units[key] = self.units.get(key, 0) + order.quantity

    def take_back(self, order: Order, *, units: int) -> None:
        """Take units that a refund has taken back into account in the next decisions."""
        key = (order.user_id, order.product_id)
        if key in self.units:
            self.units[key] -= units


def lock(
    session: Session,
    baskets: Sequence[tuple[UUID, Basket]],
    refunds: Sequence[tuple[UUID, UUID]] = (),
) -> Callable[[], LockedState]:
    """Send the statements that lock stock, coupons and orders; call the result to read the rows.

    baskets: with the buyer's id; refunds: the id of the order and of its product. Wallets are
    locked later, because the merchant is only known from the product.
    """
    bought = {basket.product_id for _, basket in baskets}
    stocks_of = products.lock_stock(session, bought.union(product_id for _, product_id in refunds))
    coupons_of = coupons.lock(
        session,
        [
            coupons.CouponRequest(basket.product_id, basket.coupon_code, user_id)
            for user_id, basket in baskets
            if basket.coupon_code is not None
        ],
    )
    numbers = repository.draw_numbers(session, len(baskets)) if baskets else ()
    order_ids = {order_id for order_id, _ in refunds}
    orders = repository.query_for_update(session, order_ids) if order_ids else ()

    def locked() -> LockedState:
        stocks = stocks_of()
        limited = [
            {"user_id": user_id, "product_id": basket.product_id}
            for user_id, basket in baskets
            if (stock := stocks.get(basket.product_id)) and stock.purchase_limit is not None
        ]
        units = repository.count_units(session, limited) if limited else {}
        return LockedState(
            stocks,
            coupons_of(),
            units,
            numbers=[row.number for row in numbers],
            orders={row.id: OrderRow(*row) for row in orders},
        )

    return locked


@dataclass(frozen=True, slots=True)
class Refunded:
    """A refund that is decided, with the order and the stock that it has changed in memory."""

    refund: Refund
    order: Order
    stock: Stock


def write(
    session: Session, sales: Sequence[Sale], refunded: Sequence[Refunded] = ()
) -> list[DeferredCheck]:
    """Write stock, orders, refunds and coupon uses, and reserve what will be delivered.

    Call the returned checks once every statement of the transaction has been sent.
    """
    changed = [*(sale.stock for sale in sales), *(each.stock for each in refunded)]
    products.write_stock(session, {stock.id: stock for stock in changed}.values())
    if refunded:
        repository.update_refunded(
            session, {each.order.id: each.order for each in refunded}.values()
        )
        repository.insert_refunds(session, [each.refund for each in refunded])
    if not sales:
        return []
    repository.insert_orders(session, [sale.order for sale in sales])
    _write_coupons(session, sales)
    return delivery.reserve(session, [line_of(sale) for sale in sales])


def line_of(sale: Sale) -> OrderLine:
    """The order line of a sale, as delivery handlers take it."""
    return OrderLine.of(sale.order, kind=sale.stock.kind)


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
