"""SQL of products."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Select,
    case,
    column,
    func,
    insert,
    literal_column,
    select,
    table,
    tuple_,
    type_coerce,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.auth.models import User
from app.common.bulk import Write, write
from app.common.driver import send, uuid_array
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_row
from app.common.trigrams import NEWEST, contains, has_trigram
from app.images.models import Image, ImageSize
from app.products.images.models import ProductImage
from app.products.models import Availability, Product, Restock

#: Sort orders of the catalogue: the columns, and whether they descend.
SORTS: Final[dict[str, tuple[tuple[InstrumentedAttribute[Any], ...], bool]]] = {
    "newest": ((Product.id,), True),
    "oldest": ((Product.id,), False),
    "price": ((Product.price, Product.id), False),
    "-price": ((Product.price, Product.id), True),
    "name": ((Product.name, Product.id), False),
    "-name": ((Product.name, Product.id), True),
}

#: Sort orders of a merchant's list. No index has the stock, so all of the merchant's products, as
#: many as the quota allows, are sorted by it.
OWN_SORTS: Final = SORTS | {
    "stock": ((Product.available_units, Product.id), False),
    "-stock": ((Product.available_units, Product.id), True),
}

#: Products that a search ranks: of more matches, those that are older are left out.
MAX_MATCHES: Final = 1000

_UPDATE_STOCK = """
    UPDATE products
    SET available_units = products.available_units - new.sold,
        updated_at = greatest(%(now)s, products.updated_at)
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS new (id uuid, sold bigint)
    WHERE products.id = new.id
"""


def insert_product(session: Session, **values: Any) -> Product:
    return insert_row(session, Product(**values))


def get_product(session: Session, product_id: UUID) -> Any | None:
    """The product and its merchant."""
    return session.execute(
        select(Product, User)
        .join(User, User.id == Product.merchant_id)
        .where(Product.id == product_id)
    ).one_or_none()


def list_images(session: Session, product_ids: Collection[UUID]) -> Iterable[Any]:
    """The images of products in all sizes: those of a product together, in their order."""
    return session.execute(
        select(
            ProductImage.product_id,
            Image.id,
            Image.alt,
            ImageSize.side,
            ImageSize.width,
            ImageSize.height,
            ImageSize.bytes,
        )
        .join(Image, Image.id == ProductImage.image_id)
        .join(ImageSize, ImageSize.image_id == Image.id)
        .where(ProductImage.product_id.in_(product_ids))
        .order_by(ProductImage.product_id, ProductImage.position, ImageSize.side)
    )


def get_product_for_update(session: Session, product_id: UUID) -> Product | None:
    return lock_row(session, Product, product_id)


_LOCK_STOCK = """
    SELECT p.id, p.merchant_id, p.name, p.price, p.currency, p.available_units, p.is_active,
        p.deleted_at, p.kind, p.is_ready, p.purchase_limit, p.reservation_limit, u.fee_bps,
        u.is_active AS merchant_is_active, u.low_stock_units
    FROM products p JOIN users u ON u.id = p.merchant_id
    WHERE p.id = ANY(%(ids)s) ORDER BY p.id FOR UPDATE OF p
"""


def count_kept(session: Session, *, merchant_id: UUID, limit: int | None) -> int:
    """The number of a merchant's products that are not deleted, up to `limit`."""
    kept = (
        select(Product.id)
        .where(Product.merchant_id == merchant_id, Product.deleted_at.is_(None))
        .limit(limit)
    )
    return session.scalar(select(func.count()).select_from(kept.subquery())) or 0


def count_units(session: Session, *, merchant_id: UUID, kind: str) -> int:
    # A literal, so that the planner can prove that the partial index applies.
    query = select(func.coalesce(func.sum(Product.available_units), 0)).where(
        Product.merchant_id == merchant_id, Product.kind == literal_column(f"'{kind}'")
    )
    return int(session.scalar(query) or 0)


def get_deleted_with_units_for_update(session: Session, kind: str) -> Product | None:
    return session.scalars(
        select(Product)
        .where(
            Product.kind == literal_column(f"'{kind}'"),
            Product.deleted_at.is_not(None),
            Product.available_units > 0,
        )
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True),
        execution_options={"populate_existing": True},
    ).one_or_none()


def lock_stock(session: Session, product_ids: Sequence[UUID]) -> Iterable[Any]:
    """Lock products in id order."""
    return send(session, _LOCK_STOCK, {"ids": uuid_array(product_ids)})


def update_stock(session: Session, stocks: Iterable[object], now: datetime) -> None:
    """Reduce the stock of products. stocks: with id and sold."""
    write(session, Write(_UPDATE_STOCK, stocks, {"now": now}))


def insert_restock(session: Session, **values: Any) -> None:
    session.execute(insert(Restock).values(**values))


#: Declared here because siblings must not import each other.
_WALLETS: Final = table(
    "wallets", column("user_id"), column("currency"), column("is_locked", Boolean)
)
# Merchants who sell nothing: few, so each query reads them once, from a partial index.
_DEACTIVATED: Final = select(User.id).where(~User.is_active)
_LOCKED: Final = select(_WALLETS.c.user_id, _WALLETS.c.currency).where(
    _WALLETS.c.is_locked, _WALLETS.c.user_id.is_not(None)
)


def _on_sale(
    *,
    q: str | None,
    min_price: int | None,
    max_price: int | None,
    merchant_id: UUID | None,
    category_id: UUID | None,
) -> Select[Any]:
    query = select(Product).where(
        Product.is_active,
        Product.is_ready,
        Product.deleted_at.is_(None),
        Product.available_units > 0,
        Product.merchant_id.not_in(_DEACTIVATED),
        tuple_(Product.merchant_id, Product.currency).not_in(_LOCKED),
    )
    if min_price is not None:
        query = query.where(Product.price >= min_price)
    if max_price is not None:
        query = query.where(Product.price <= max_price)
    if merchant_id is not None:
        query = query.where(Product.merchant_id == merchant_id)
    if category_id is not None:
        query = query.where(Product.category_id == category_id)
    return query if q is None else _containing(q, query)


def _containing(q: str, query: Select[Any]) -> Select[Any]:
    """The products of `query` that contain a text: rare ones are found by the index, common ones
    among the newest products."""
    if not has_trigram(q):
        ids = query.with_only_columns(Product.id)
        newest = ids.order_by(Product.id.desc()).limit(NEWEST).subquery()
        # Not min(), which PostgreSQL does not have for UUIDs.
        oldest = select(newest.c.id).order_by(newest.c.id).limit(1).scalar_subquery()
        query = query.where(Product.id >= oldest)
    return query.where(contains(Product.searched, q))


def list_on_sale(
    session: Session, page: PageRequest, *, sort: str, **filters: Any
) -> Page[Product]:
    """Products on sale of merchants who may sell. sort: one of SORTS; filters: see `_on_sale`."""
    columns, descending = SORTS[sort]
    return paginate(session, page, _on_sale(**filters), *columns, descending=descending)


def search_on_sale(session: Session, page: PageRequest, *, q: str, **filters: Any) -> Page[Product]:
    """The newest MAX_MATCHES products on sale that contain `q`: those with it in the name first,
    each newest first. filters: as for `list_on_sale`."""
    matching = _on_sale(q=q, **filters)
    # A unit separator follows the name.
    in_name = func.strpos(Product.searched, func.fold_text(q)) < func.strpos(
        Product.searched, "\x1f"
    )
    rank = type_coerce(case((in_name, 1), else_=0), BigInteger).label("rank")
    newest = matching.order_by(Product.id.desc()).limit(MAX_MATCHES)
    found = newest.with_only_columns(Product.id.label("id"), rank).subquery()
    ranked = paginate(
        session,
        page,
        select(Product, found.c.rank, found.c.id).join(found, Product.id == found.c.id),
        found.c.rank,
        found.c.id,
        count=matching.with_only_columns(Product.id),
        max_count=MAX_MATCHES,
    )
    return ranked.with_data(row.Product for row in ranked.data)


_ACTIVE: Final = Product.is_active.is_(True)
_READY: Final = Product.is_ready.is_(True)
_AVAILABLE: Final[dict[Availability, tuple[ColumnElement[bool], ...]]] = {
    Availability.ON_SALE: (_ACTIVE, _READY, Product.available_units > 0),
    Availability.SOLD_OUT: (_ACTIVE, _READY, Product.available_units == 0),
    Availability.NOT_READY: (_ACTIVE, ~_READY),
    Availability.INACTIVE: (~_ACTIVE,),
}


def of_merchant(
    *,
    merchant_id: UUID,
    include_deleted: bool = False,
    q: str | None = None,
    kind: str | None = None,
    availability: str | None = None,
    max_units: int | None = None,
) -> Sequence[ColumnElement[bool]]:
    """Which products of a merchant are listed: as many as the quota allows, so all may be read.

    q: text in the name or description; kind: a ProductKind; availability: an Availability.
    """
    where: list[ColumnElement[bool]] = [Product.merchant_id == merchant_id]
    if not include_deleted or availability is not None:
        where.append(Product.deleted_at.is_(None))
    if q is not None:
        where.append(contains(Product.searched, q))
    if kind is not None:
        where.append(Product.kind == kind)
    if availability is not None:
        where += _AVAILABLE[Availability(availability)]
    if max_units is not None:
        where.append(Product.available_units <= max_units)
    return where


def list_by_merchant(
    session: Session, page: PageRequest, *, sort: str = "newest", **filters: Any
) -> Page[Product]:
    """The merchant's products. sort: one of OWN_SORTS; filters: see `of_merchant`."""
    columns, descending = OWN_SORTS[sort]
    query = select(Product).where(*of_merchant(**filters))
    return paginate(session, page, query, *columns, descending=descending)
