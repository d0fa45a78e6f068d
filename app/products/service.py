"""Products: what is on sale, by whom, and how much of it is left."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.common import clock, db
from app.common.cache import Region
from app.common.ids import new_id
from app.common.money import Money
from app.common.pagination import Page, PageRequest, read_batches
from app.common.process_state import Slot
from app.products import repository
from app.products.errors import ProductNotFound, StockIsCodes, UnauthorizedProductAccess
from app.products.models import Product, ProductKind

#: The orders in which the public list can be asked for.
SORTS: Final = tuple(repository.SORTS)

#: Products of a long list that are read at a time.
PIECE: Final = 1000

#: Cached pages of the public list, where the process has a cache.
catalogue_cache: Final[Slot[Region | None]] = Slot("catalogue cache", default=None)


def catalogue_page(key: str, build: Callable[[], bytes]) -> bytes:
    """A page of the public list: the kept one, or what `build` makes."""
    cached = catalogue_cache()
    return build() if cached is None else cached.fetch(key, build)


@dataclass(frozen=True, slots=True)
class Offer:
    """A product and who sells it."""

    product: Product
    merchant: User


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
) -> Offer:
    """Put a product on sale. price: units of `currency`; kind: a ProductKind.

    What is a file is on sale once there is one (`mark_ready`). Raises AmountInvalid.
    """
    product = repository.insert_product(
        session,
        **new_row(
            merchant_id=merchant.id,
            name=name,
            description=description,
            price=price,
            available_units=available_units,
            currency=currency,
            kind=kind,
            purchase_limit=purchase_limit,
        ),
    )
    list_changes(session)
    return Offer(product, merchant)


def new_row(
    *,
    price: Decimal,
    available_units: int,
    currency: str,
    kind: str,
    description: str | None = None,
    purchase_limit: int | None = None,
    **values: Any,
) -> dict[str, Any]:
    """A new product column by column. price: units of `currency`. Raises AmountInvalid."""
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
        "created_at": now,
        "updated_at": now,
    } | values


def list_changes(session: Session) -> None:
    """Make what this transaction changes show in the list the moment it is committed."""
    if (cached := catalogue_cache()) is not None:
        db.after_commit(session, cached.invalidate)


def find(session: Session, *, product_id: UUID, viewer: User | None = None) -> Offer:
    """A product, as of this moment; a deleted one only for its owner. Raises ProductNotFound."""
    row = repository.get_product(session, product_id)
    if row is None:
        raise ProductNotFound
    offer = Offer(*row)
    deleted = offer.product.deleted_at is not None
    if deleted and (viewer is None or viewer.id != offer.merchant.id):
        raise ProductNotFound
    return offer


def on_sale(session: Session, page: PageRequest, *, sort: str, **filters: Any) -> Page[Offer]:
    """Active products with stock. filters: q, min_price, max_price (minor units), merchant_id."""
    filters = {"q": None, "min_price": None, "max_price": None, "merchant_id": None} | filters
    found = repository.list_on_sale(session, page, sort=sort, **filters)
    merchants = auth.users_by_id(session, [row.merchant_id for row in found.data])
    return found.with_data(Offer(row, merchants[row.merchant_id]) for row in found.data)


def of_merchant(session: Session, *, merchant: User, include_deleted: bool) -> Sequence[Offer]:
    """The merchant's own products, newest first."""
    rows = repository.of_merchant(session, merchant_id=merchant.id, include_deleted=include_deleted)
    return [Offer(row, merchant) for row in rows]


def pieces_of_merchant(
    *, merchant_id: UUID, reading: Callable[[], AbstractContextManager[Session]]
) -> Iterator[Sequence[Any]]:
    """The merchant's products that are not deleted, newest first (see read_batches)."""
    read = partial(repository.piece_of_merchant, merchant_id=merchant_id)
    return read_batches(read, size=PIECE, reading=reading)


def change(session: Session, *, merchant: User, product_id: UUID, **changes: Any) -> Offer:
    """Change name, description, price, available_units, is_active or purchase_limit.

    What is not named stays. A new number of units is a restock: the difference is recorded.
    Raises ProductNotFound, UnauthorizedProductAccess, AmountInvalid, StockIsCodes.
    """
    product = require_own(session, merchant=merchant, product_id=product_id)
    if "price" in changes:
        changes["price"] = Money.of(changes["price"], product.currency, field="price").minor
    units = changes.pop("available_units", product.available_units)
    if units != product.available_units and ProductKind(product.kind).has_uploaded_stock:
        raise StockIsCodes
    for name, value in changes.items():
        setattr(product, name, value)
    restock(session, product, units=units - product.available_units, actor_id=merchant.id)
    return Offer(product, merchant)


def restock(session: Session, product: Product, *, units: int, actor_id: UUID) -> None:
    """Have so many units more, or less, of a product that this transaction holds."""
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
    list_changes(session)


def mark_ready(session: Session, product: Product, *, ready: bool = True) -> None:
    """Put a product that this transaction holds on sale: there is something to deliver.

    ready: False when there is nothing any more.
    """
    product.is_ready = ready
    product.updated_at = clock.now()
    session.flush()
    list_changes(session)


def delete(session: Session, *, merchant: User, product_id: UUID) -> None:
    """Take a product off the shelf for good; its orders keep it.

    Raises ProductNotFound, UnauthorizedProductAccess.
    """
    product = require_own(session, merchant=merchant, product_id=product_id)
    product.is_active = False
    product.deleted_at = product.updated_at = clock.now()
    session.flush()
    list_changes(session)


def require_own(session: Session, *, merchant: User, product_id: UUID) -> Product:
    """The merchant's product, locked. Raises ProductNotFound, UnauthorizedProductAccess."""
    product = repository.get_product_for_update(session, product_id)
    if product is None or product.deleted_at is not None:
        raise ProductNotFound
    if product.merchant_id != merchant.id:
        raise UnauthorizedProductAccess
    return product


@dataclass(slots=True)
class Stock:
    """A product that this transaction holds, with what is left after everything sold so far.

    fee_bps: what the platform takes of this merchant's sales, None for the usual.
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
    fee_bps: int | None
    sold: int = 0

    def take(self, units: int) -> None:
        self.available_units -= units
        self.sold += units


def ask_stock(session: Session, product_ids: Collection[UUID]) -> Callable[[], dict[UUID, Stock]]:
    """Lock products until the transaction ends (`FOR UPDATE`); call the result for them by id."""
    rows = repository.lock_stock(session, list(product_ids))
    return lambda: {row.id: Stock(*row) for row in rows}


def write_stock(session: Session, stocks: Collection[Stock]) -> None:
    """Write what was taken or, below zero, put back.

    A product that it empties leaves the public list at once, and one that it fills comes back.
    """
    taken = [stock for stock in stocks if stock.sold]
    repository.take_stock(session, taken, clock.now())
    if any(stock.available_units in (0, -stock.sold) for stock in taken):
        list_changes(session)
