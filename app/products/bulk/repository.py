"""SQL of bulk import and export."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, send_rows
from app.common.driver import send
from app.products.models import Product, Restock

_SELECT = """
    SELECT id, merchant_id, name, description, price, currency, available_units, is_active, kind,
        purchase_limit, deleted_at
    FROM products WHERE id = ANY(%(ids)s) ORDER BY id
"""
_LOCK = "FOR NO KEY UPDATE"

_INSERT = BulkInsert(Product, omit=("deleted_at", "searched"))
_INSERT_RESTOCKS = BulkInsert(Restock)

_UPDATE = """
    UPDATE products
    SET name = new.name, description = new.description, price = new.price,
        available_units = products.available_units + new.delta, is_active = new.is_active,
        purchase_limit = new.purchase_limit,
        updated_at = greatest(%(now)s, products.updated_at)
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS new (id uuid, name text, description text,
        price bigint, delta bigint, is_active boolean, purchase_limit bigint)
    WHERE products.id = new.id
"""

_EXPORTED = (
    Product.id,
    Product.name,
    Product.description,
    Product.price,
    Product.currency,
    Product.available_units,
    Product.kind,
    Product.purchase_limit,
    Product.is_active,
    Product.created_at,
)


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


def list_exported(
    session: Session, *, merchant_id: UUID, limit: int, below: UUID | None
) -> Sequence[Any]:
    """A batch of the merchant's products that are not deleted, newest first.

    below: only those with a smaller id.
    """
    query = select(*_EXPORTED).where(
        Product.merchant_id == merchant_id, Product.deleted_at.is_(None)
    )
    if below is not None:
        query = query.where(Product.id < below)
    return session.execute(query.order_by(Product.id.desc()).limit(limit)).all()
