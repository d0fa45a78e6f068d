"""The page of an order at a signed address, which needs no sign-in: the buyer can keep it or pass
it on, and revoke it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.auth.errors import TooManyRevocations
from app.auth.masking import public_name
from app.auth.revocable_links import MAX_SERIAL
from app.common import clock
from app.common.money import Money
from app.common.process_state import Slot
from app.delivery import service as delivery
from app.delivery.handler import OrderLine
from app.images.service import ShownImage
from app.orders import repository
from app.orders.errors import OrderNotFound
from app.orders.models import Order, OrderStatus, PaymentMethod
from app.orders.order_page.links import LINKS
from app.products import service as products
from app.shops import logos

#: The path of the page where a product can be paid, None if it has none. Called with the session,
#: the IDs of merchant and product.
PaymentPath = Callable[[Session, UUID, UUID], str | None]

payment_path: Final[Slot[PaymentPath]] = Slot(
    "payment page of a product", default=lambda _session, _merchant_id, _product_id: None
)


@dataclass(frozen=True, slots=True)
class OrderPage:
    """What the page shows. image: of the product; seller: the public name; support, logo, zone: of
    the shop; kind: of the product; goods: as DeliveryOut, None unless the order is delivered;
    pay_url: where a card payment that was begun can be made, again_url: where the same can be paid
    in other ways; None if that is not possible."""

    order: Order
    product: str
    kind: str
    image: ShownImage | None
    seller: str
    support: str | None
    logo: ShownImage | None
    zone: ZoneInfo
    goods: dict[str, Any] | None
    pay_url: str | None
    again_url: str | None

    def amount(self, minor: int) -> Money:
        """An amount of the order. minor: minor units."""
        return Money(minor, self.order.currency)

    def moment(self, timestamp: str) -> datetime:
        """The time of a timestamp in `goods`."""
        return datetime.fromisoformat(timestamp)

    @property
    def is_gift(self) -> bool:
        return self.order.giveaway_id is not None

    @property
    def units_left(self) -> int:
        return self.order.quantity - self.order.refunded_units

    @property
    def is_paid(self) -> bool:
        return self.order.status in (OrderStatus.COMPLETED, OrderStatus.REFUNDED)

    @property
    def is_pending(self) -> bool:
        return self.order.status in (OrderStatus.PENDING, OrderStatus.PAYMENT_PROCESSING)

    @property
    def paid_at(self) -> datetime | None:
        return self.order.completed_at

    @property
    def time(self) -> datetime:
        """When it was paid or ordered."""
        return self.paid_at or self.order.created_at

    @property
    def paid_with(self) -> str:
        if self.is_gift:
            return "Gift"
        return "Card" if self.order.payment_method == PaymentMethod.GATEWAY else "Wallet"


def address_of(session: Session, *, order_id: UUID, user_id: UUID, base: str) -> str:
    """The address of an order's page, for its buyer. base: public URL of the application.

    Raises OrderNotFound.
    """
    _require_buyer(session, order_id=order_id, user_id=user_id)
    serial = repository.get_page_serial(session, order_id)
    return url_of(order_id, base=base, serial=serial)


def revoke(session: Session, *, order_id: UUID, user_id: UUID, base: str) -> str:
    """Invalidate the address of an order's page, and the download links taken from it. Returns the
    new address.

    Raises OrderNotFound, TooManyRevocations.
    """
    kind = _require_buyer(session, order_id=order_id, user_id=user_id, lock=True)
    serial = repository.get_page_serial(session, order_id) + 1
    if serial > MAX_SERIAL:
        raise TooManyRevocations
    repository.set_page_serial(session, order_id=order_id, serial=serial)
    delivery.revoke_links(session, order_id=order_id, kind=kind)
    return url_of(order_id, base=base, serial=serial)


def url_of(order_id: UUID, *, base: str, serial: int = 0) -> str:
    """The address of an order's page. serial: how often an earlier one was revoked."""
    return LINKS.url_of(order_id, base=base, serial=serial)


def require_page(
    session: Session, token: str, *, base_url: str, with_goods: bool = True
) -> OrderPage:
    """The page at an address. base_url: of the API; with_goods: False for the receipt.

    Raises OrderNotFound for an address that we have not signed, or that was revoked.
    """
    found = LINKS.verify(token)
    if found is None:
        raise OrderNotFound
    order_id, serial = found
    row = repository.get_order_page(session, order_id, lock=with_goods)
    if row is None or row.serial != serial:
        raise OrderNotFound
    order: Order = row.Order
    goods = None
    units = order.quantity - order.refunded_units
    if with_goods and order.status == OrderStatus.COMPLETED and units:
        line = OrderLine.of(order, kind=row.Product.kind, quantity=units)
        goods = delivery.render(session, line, base_url=base_url)
    is_open = order.status == OrderStatus.PENDING and (
        row.Checkout is not None and clock.now() < row.Checkout.expires_at
    )
    again_url = None
    if order.status not in (OrderStatus.COMPLETED, OrderStatus.REFUNDED) and row.Product.is_active:
        path = payment_path()(session, order.merchant_id, order.product_id)
        again_url = f"{path}?quantity={order.quantity}" if path else None
    return OrderPage(
        order=order,
        product=row.Product.name,
        kind=row.Product.kind,
        image=products.get_main_image(session, row.Product.id) if with_goods else None,
        seller=public_name(row.User),
        support=row.User.support_email,
        logo=logos.get_logo(session, row.User),
        zone=ZoneInfo(row.User.time_zone),
        goods=goods,
        pay_url=row.Checkout.url if is_open else None,
        again_url=again_url,
    )


def _require_buyer(session: Session, *, order_id: UUID, user_id: UUID, lock: bool = False) -> str:
    """The kind of the product. Raises OrderNotFound."""
    row = repository.get_order_for(session, order_id=order_id, user_id=user_id, lock=lock)
    if row is None or row.Order.user_id != user_id:
        raise OrderNotFound
    kind: str = row.Product.kind
    return kind
