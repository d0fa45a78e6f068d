"""Products: the catalogue, its merchants and the stock."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.auth.quotas import service as quotas
from app.auth.quotas.quota import Quota
from app.common import clock
from app.common.ids import new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest
from app.common.process_state import Hook
from app.events import service as events
from app.events.catalogue.products import StockLow
from app.images.service import ShownImage, Size
from app.products import repository
from app.products.catalogue import invalidate_catalogue
from app.products.categories import service as categories
from app.products.errors import ProductNotFound, StockIsCodes, UnauthorizedProductAccess
from app.products.models import Product, ProductKind

#: Sort orders of the catalogue.
SORTS: Final = tuple(repository.SORTS)
OWN_SORTS: Final = tuple(repository.OWN_SORTS)
#: The order of a search, and how many matches it ranks.
RELEVANCE: Final = "relevance"
MAX_MATCHES: Final = repository.MAX_MATCHES

#: Share of the stock, and number of units, that a buyer may reserve of a product without a limit of
#: its own. The larger of the two applies.
RESERVABLE_PERCENT: Final = 25
RESERVABLE_UNITS: Final = 10

#: Called in the transaction that deletes a product, which is locked.
on_deletion: Final[Hook[Session, Product]] = Hook("deletion of a product")


@dataclass(frozen=True, slots=True)
class Offer:
    """A product, its merchant, and what else is shown of it. category: its slug."""

    product: Product
    merchant: User
    category: str | None = None
    images: Sequence[ShownImage] = ()


def create(
    session: Session,
    *,
    merchant: User,
    name: str,
    price: Decimal,
    available_units: int,
    currency: str,
    description: str | None = None,
    kind: str = ProductKind.PLAIN,
    purchase_limit: int | None = None,
    reservation_limit: int | None = None,
    category: str | None = None,
    meta: dict[str, Any] | None = None,
    product_id: UUID | None = None,
) -> Offer:
    """Create a product. price: units of `currency`. kind: a ProductKind. category: its slug. meta:
    the merchant's own data. product_id: a new one by default.

    A product of a kind that is not `is_ready_when_created` is on sale once `set_ready` is called.
    Raises AmountInvalid, CategoryUnknown, QuotaExceeded.
    """
    category_id = None if category is None else categories.require_id(session, category)
    quotas.require_room(session, user_id=merchant.id, quota=Quota.PRODUCTS)
    product = repository.insert_product(
        session,
        **new_product_row(
            merchant_id=merchant.id,
            name=name,
            description=description,
            price=price,
            available_units=available_units,
            currency=currency,
            kind=kind,
            purchase_limit=purchase_limit,
            reservation_limit=reservation_limit,
            meta=meta,
            id=product_id or new_id(),
            category_id=category_id,
        ),
    )
    invalidate_catalogue(session)
    return Offer(product, merchant, category)


def new_product_row(
    *,
    price: Decimal,
    available_units: int,
    currency: str,
    kind: str,
    description: str | None = None,
    purchase_limit: int | None = None,
    reservation_limit: int | None = None,
    category_id: UUID | None = None,
    meta: dict[str, Any] | None = None,
    **values: Any,
) -> dict[str, Any]:
    """The columns of a new product. price: units of `currency`. Raises AmountInvalid."""
    now = clock.now()
    return {
        "id": new_id(),
        "price": Money.of(price, currency, field="price").minor,
        "currency": currency,
        "available_units": available_units,
        "initial_units": available_units,
        "is_active": True,
        "kind": kind,
        "is_ready": ProductKind(kind).is_ready_when_created,
        "description": description,
        "purchase_limit": purchase_limit,
        "reservation_limit": reservation_limit,
        "category_id": category_id,
        "meta": meta,
        "created_at": now,
        "updated_at": now,
    } | values


def require_product(session: Session, *, product_id: UUID, viewer: User | None = None) -> Offer:
    """A product; a deleted one only for its merchant. Raises ProductNotFound."""
    row = repository.get_product(session, product_id)
    if row is None:
        raise ProductNotFound
    product, merchant = row
    if product.deleted_at is not None and (viewer is None or viewer.id != merchant.id):
        raise ProductNotFound
    return show(session, product, merchant)


def show(session: Session, product: Product, merchant: User) -> Offer:
    """A product as it is shown. merchant: its merchant."""
    (offer,) = _show_all(session, [product], {merchant.id: merchant})
    return offer


def _show_all(
    session: Session, found: Sequence[Product], merchants: Mapping[UUID, User]
) -> Iterator[Offer]:
    """Products as they are shown, at the cost of two queries."""
    slugs = categories.get_slugs(
        session, {row.category_id for row in found if row.category_id is not None}
    )
    images = _images_of(session, [row.id for row in found])
    return (
        Offer(
            row,
            merchants[row.merchant_id],
            slugs.get(row.category_id) if row.category_id else None,
            images.get(row.id, ()),
        )
        for row in found
    )


def _images_of(
    session: Session, product_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[ShownImage]]:
    """The images of products in their order, by the id of the product."""
    images: defaultdict[UUID, list[ShownImage]] = defaultdict(list)
    rows = repository.list_images(session, product_ids) if product_ids else ()
    for (product_id, image_id, alt), sizes in groupby(rows, key=itemgetter(0, 1, 2)):
        shown = [Size(*row[3:]) for row in sizes]
        images[product_id].append(ShownImage(image_id, alt, shown))
    return images


def get_main_image(session: Session, product_id: UUID) -> ShownImage | None:
    """The first image of a product; None if it has none."""
    return next(iter(_images_of(session, [product_id]).get(product_id, ())), None)


def list_on_sale(
    session: Session,
    page: PageRequest,
    *,
    sort: str | None = None,
    category: str | None = None,
    **filters: Any,
) -> Page[Offer]:
    """Products on sale, without those of deactivated merchants and of locked wallets.

    sort: one of SORTS, or RELEVANCE for a search; None for relevance with `q`, and newest first
    without. filters: q, min_price, max_price (minor units), merchant_id. category: the slug of one.
    Raises CategoryUnknown.
    """
    filters = {"q": None, "min_price": None, "max_price": None, "merchant_id": None} | filters
    filters["category_id"] = None if category is None else categories.require_id(session, category)
    if sort in (None, RELEVANCE) and filters["q"] is not None:
        found = repository.search_on_sale(session, page, **filters)
    else:
        order = sort if sort in SORTS else "newest"
        found = repository.list_on_sale(session, page, sort=order, **filters)
    merchants = auth.get_users_by_id(session, [row.merchant_id for row in found.data])
    return found.with_data(_show_all(session, found.data, merchants))


def list_by_merchant(
    session: Session, page: PageRequest, *, merchant: User, **filters: Any
) -> Page[Offer]:
    """The merchant's own products.

    filters: sort, one of OWN_SORTS, newest first by default; include_deleted, q, kind,
    availability, max_units.
    """
    found = repository.list_by_merchant(session, page, merchant_id=merchant.id, **filters)
    return found.with_data(_show_all(session, found.data, {merchant.id: merchant}))


def update(session: Session, *, merchant: User, product_id: UUID, **changes: Any) -> Offer:
    """Update name, description, price, available_units, is_active, purchase_limit,
    reservation_limit, category (a slug) or meta.

    A new number of units is a restock: the difference is recorded. Raises ProductNotFound,
    UnauthorizedProductAccess, AmountInvalid, StockIsCodes, CategoryUnknown.
    """
    product = require_own(session, merchant=merchant, product_id=product_id)
    if "price" in changes:
        changes["price"] = Money.of(changes["price"], product.currency, field="price").minor
    if "category" in changes:
        slug = changes.pop("category")
        changes["category_id"] = None if slug is None else categories.require_id(session, slug)
    units = changes.pop("available_units", product.available_units)
    if units != product.available_units and ProductKind(product.kind).has_uploaded_stock:
        raise StockIsCodes
    for name, value in changes.items():
        setattr(product, name, value)
    restock(session, product, units=units - product.available_units, actor_id=merchant.id)
    return show(session, product, merchant)


def restock(session: Session, product: Product, *, units: int, actor_id: UUID) -> None:
    """Change the stock of a locked product. units: added, or removed if negative."""
    now = clock.now()
    product.available_units += units
    product.updated_at = now
    if units:
        repository.insert_restock(
            session,
            id=new_id(),
            product_id=product.id,
            actor_id=actor_id,
            delta=units,
            created_at=now,
        )
    session.flush()
    invalidate_catalogue(session)


def set_ready(session: Session, product: Product, *, is_ready: bool) -> None:
    """Set whether there is something to deliver for a locked product. If not, it is not on sale."""
    product.is_ready = is_ready
    touch(session, product)


def touch(session: Session, product: Product) -> None:
    """Record that something that is shown of a locked product has changed."""
    product.updated_at = clock.now()
    session.flush()
    invalidate_catalogue(session)


def delete(session: Session, *, merchant: User, product_id: UUID) -> None:
    """Delete a product. Existing orders keep it.

    Raises ProductNotFound, UnauthorizedProductAccess.
    """
    product = require_own(session, merchant=merchant, product_id=product_id)
    product.is_active = False
    product.deleted_at = product.updated_at = clock.now()
    on_deletion(session, product)
    session.flush()
    invalidate_catalogue(session)


def count_products(session: Session, *, user_id: UUID, limit: int | None = None) -> int:
    """The number of the merchant's products without deleted ones. limit: as of `quotas.Count`."""
    return repository.count_kept(session, merchant_id=user_id, limit=limit)


def count_units(session: Session, *, merchant_id: UUID, kind: ProductKind) -> int:
    """The units for sale of all products of this kind of the merchant, deleted ones included."""
    return repository.count_units(session, merchant_id=merchant_id, kind=kind)


def get_deleted_with_units(session: Session, kind: ProductKind) -> Product | None:
    """Lock a deleted product of this kind that still has units; None if there is none."""
    return repository.get_deleted_with_units_for_update(session, kind)


def require_own(session: Session, *, merchant: User, product_id: UUID) -> Product:
    """Lock and return the merchant's product. Raises ProductNotFound, UnauthorizedProductAccess."""
    product = repository.get_product_for_update(session, product_id)
    if product is None or product.deleted_at is not None:
        raise ProductNotFound
    if product.merchant_id != merchant.id:
        raise UnauthorizedProductAccess
    return product


@dataclass(slots=True)
class Stock:
    """A locked product, with the units left after everything sold so far in the transaction.

    sold: net units, negative after a restock. fee_bps: the merchant's platform fee; None for the
    default. merchant_is_active: a deactivated merchant sells nothing. low_stock_units: of how many
    units left the merchant is told; 0 for never.
    """

    id: UUID
    merchant_id: UUID
    name: str
    price: int
    currency: str
    available_units: int
    is_active: bool
    deleted_at: datetime | None
    kind: str
    is_ready: bool
    purchase_limit: int | None
    reservation_limit: int | None
    fee_bps: int | None
    merchant_is_active: bool
    low_stock_units: int
    sold: int = 0

    @property
    def is_on_sale(self) -> bool:
        return self.is_active and self.is_ready and self.merchant_is_active

    def max_reservable(self, *, reserved: int) -> int:
        """Maximum units that a buyer may reserve without paying, so that others can buy.

        reserved: units that the buyer has reserved already.
        """
        if self.reservation_limit is not None:
            return self.reservation_limit
        share = (self.available_units + reserved) * RESERVABLE_PERCENT // 100
        return max(RESERVABLE_UNITS, share)

    def sell(self, units: int) -> None:
        self.available_units -= units
        self.sold += units

    def restock(self, units: int) -> None:
        self.sell(-units)

    @property
    def has_become_low(self) -> bool:
        """Whether what was sold in the transaction has brought the units down to the threshold."""
        return self.available_units <= self.low_stock_units < self.available_units + self.sold


def lock_stock(session: Session, product_ids: Collection[UUID]) -> Callable[[], dict[UUID, Stock]]:
    """Lock products until the transaction ends (`FOR UPDATE`). Returns a function that reads them,
    by id, so that a pipeline continues."""
    rows = repository.lock_stock(session, list(product_ids))
    return lambda: {row.id: Stock(*row) for row in rows}


def write_stock(session: Session, stocks: Collection[Stock]) -> None:
    """Write the units that were sold or restocked.

    Invalidates the catalogue if a product was sold out or is available again, and records an event
    if its stock has become low.
    """
    changed = [stock for stock in stocks if stock.sold]
    repository.update_stock(session, changed, clock.now())
    if low := [stock for stock in changed if stock.low_stock_units and stock.has_become_low]:
        events.record(session, [StockLow.of(each, threshold=each.low_stock_units) for each in low])
    if any(stock.available_units in (0, -stock.sold) for stock in changed):
        invalidate_catalogue(session)
