"""SQL of bulk import and export."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import String, case, cast, select
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, send_rows
from app.common.csv_export import (
    CsvBatch,
    batch_of,
    boolean_cell,
    money_cell,
    text_cell,
    time_cell,
)
from app.common.driver import send
from app.products.categories.models import Category
from app.products.models import Product, ProductKind, Restock
from app.products.repository import of_merchant

_SELECT = """
    SELECT id, merchant_id, name, description, price, currency, available_units, is_active, kind,
        purchase_limit, metadata AS meta, deleted_at, (
            SELECT c.id FROM categories c WHERE c.id = category_id AND c.deleted_at IS NULL
        ) AS category_id
    FROM products WHERE id = ANY(%(ids)s) ORDER BY id
"""
_LOCK = "FOR NO KEY UPDATE"

_INSERT = BulkInsert(Product, omit=("deleted_at", "searched"))
_INSERT_RESTOCKS = BulkInsert(Restock)

_UPDATE = """
    UPDATE products
    SET name = new.name, description = new.description, price = new.price,
        available_units = products.available_units + new.delta, is_active = new.is_active,
        purchase_limit = new.purchase_limit, category_id = new.category_id, metadata = new.meta,
        updated_at = greatest(%(now)s, products.updated_at)
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS new (id uuid, name text, description text,
        price bigint, delta bigint, is_active boolean, purchase_limit bigint,
        category_id uuid, meta jsonb)
    WHERE products.id = new.id
"""

#: The cells of a row of the export. The stock of goods that are uploaded cannot be imported.
EXPORTED: Final[dict[str, Any]] = {
    "id": Product.id,
    "name": text_cell(Product.name),
    "description": text_cell(Product.description),
    "price": money_cell(Product.price, Product.currency),
    "currency": Product.currency,
    "availableUnits": case(
        (
            Product.kind.in_([kind for kind in ProductKind if not kind.has_uploaded_stock]),
            Product.available_units,
        )
    ),
    "kind": Product.kind,
    "purchaseLimit": Product.purchase_limit,
    "isActive": boolean_cell(Product.is_active),
    "category": select(Category.slug)
    .where(Category.id == Product.category_id, Category.deleted_at.is_(None))
    .scalar_subquery(),
    "metadata": text_cell(cast(Product.meta, String)),
    # Last, because what is cut off at the end of a row is lost.
    "createdAt": time_cell(Product.created_at),
}


def get_products(
    session: Session, product_ids: Collection[UUID], *, lock: bool = False
) -> dict[UUID, Any]:
    """The columns of these products that an import compares, by id. lock: in id order."""
    rows = send(session, _SELECT + (_LOCK if lock else ""), {"ids": list(product_ids)})
    return {row.id: row for row in rows}


def insert_products(session: Session, rows: Iterable[object]) -> None:
    _INSERT.execute(session, rows)


def update_products(session: Session, rows: Iterable[object], now: datetime) -> None:
    """rows: with id, delta (of the stock) and the new values of all columns that can change."""
    send_rows(session, _UPDATE, rows, now=now)


def insert_restocks(session: Session, rows: Iterable[object]) -> None:
    _INSERT_RESTOCKS.execute(session, rows)


def export(session: Session, *, limit: int, below: UUID | None, **filters: Any) -> CsvBatch:
    """A batch of the merchant's products that are not deleted, newest first.

    below: only those with a smaller id; filters: see `of_merchant`.
    """
    query = select(Product.id).where(*of_merchant(**filters))
    if below is not None:
        query = query.where(Product.id < below)
    batch = batch_of(query.order_by(Product.id.desc()), EXPORTED, Product.id, limit=limit)
    return CsvBatch(*session.execute(batch).one())
