"""Goods on sale, and buyers who have them."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from app.auth import service as auth
from app.common import db
from app.delivery import service as delivery
from app.delivery.goods import Line
from app.orders import service as orders
from app.orders.checkout import Purchase
from app.products import service as products
from app.products.models import ProductKind
from tests.factories import Actor

UNKNOWN = "01993c1e-7c1a-7b52-9f6e-2b8f0f6f7a11"


def product(seller: Actor, kind: ProductKind, *, price: str = "1.00", units: int = 0) -> UUID:
    """A product on sale of that kind."""
    with db.transaction() as session:
        offer = products.create(
            session,
            merchant=auth.require_user(session, seller.id),
            name="Voucher",
            price=Decimal(price),
            available_units=units,
            currency="USD",
            kind=kind,
        )
    return offer.product.id


def bought(buyer: Actor, product_id: UUID, quantity: int = 1) -> Line:
    """An order that is paid, with its goods."""
    with db.transaction(serializable=True) as session:
        user = auth.require_user(session, buyer.id)
        receipt = orders.buy(session, Purchase(user, product_id, quantity=quantity), fee_bps=0)
        product = products.find(session, product_id=product_id).product
        line = Line(receipt.order.id, product_id, product.kind, quantity)
        checks = delivery.reserve(session, [line])
        delivery.deliver(session, [line])
        for check in checks:
            check()
    return line


def shown(line: Line) -> dict[str, Any]:
    """What the buyer sees of an order."""
    with db.transaction() as session:
        return delivery.show(session, line, base="http://localhost:3000")


def taken_back(line: Line, units: int) -> int:
    """Have so many units back, and on sale again where that is possible."""
    with db.transaction() as session:
        return delivery.revoke(session, line, units=units)
