"""Orders of giveaways, which cost nothing and are delivered as others are."""

from uuid import UUID

from sqlalchemy.orm import Session

from app.auth.models import User
from app.auth.service import Caller
from app.common import clock
from app.delivery import service as delivery
from app.events import service as events
from app.events.catalogue.orders import OrderCompleted
from app.orders.purchases import locked_state, pricing
from app.orders.purchases.pricing import Basket, Purchase
from app.orders.purchases.service import OrderDetails


def give(
    session: Session, *, recipient: User, product_id: UUID, quantity: int, giveaway_id: UUID
) -> OrderDetails:
    """Give units of a product to a user, or a batch of them to its merchant.

    The caller holds the ledger lock and has locked the giveaway. Raises what `pricing.give` raises.
    """
    buyer = Caller(recipient.id, recipient.email, recipient.role)
    basket = Basket(product_id, quantity)
    locked = locked_state.lock(session, [(buyer.id, basket)])()
    purchase = Purchase(buyer, basket, locked.take_number(), giveaway_id=giveaway_id)
    sale = pricing.give(
        purchase,
        product=locked.stocks.get(product_id),
        units_before=locked.units_of(purchase),
        now=clock.now(),
    )
    locked.apply(sale)
    checks = locked_state.write(session, [sale])
    delivery.deliver(session, [locked_state.line_of(sale)])
    events.record(
        session, [OrderCompleted.of(sale.order, aggregate_version=1, giveaway_id=giveaway_id)]
    )
    for check in checks:
        check()
    return OrderDetails(sale.order, sale.stock, buyer)
