"""SQL of files, their contents and their downloads."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import ColumnElement, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.auth.models import User
from app.common.bulk import BulkInsert, send_rows
from app.common.rows import insert_row
from app.delivery.files.models import FileDelivery, FileDownload, ProductFile
from app.delivery.handler import OrderLine
from app.products.models import Product
from app.storage.models import FileContent

# The buyer is read from the order, which the caller has just inserted.
_INSERT_DELIVERIES = BulkInsert(
    FileDelivery,
    omit=("delivered_at",),
    computed={
        "buyer_id": "o.user_id",
        "revoked_units": "0",
        "downloads": "0",
        "downloads_allowed": "%(max_downloads)s",
        "link_serial": "0",
        "created_at": "%(now)s",
    },
    tail="""
        JOIN orders o ON o.id = new.order_id
        JOIN product_files f ON f.product_id = new.product_id AND f.retired_at IS NULL
        RETURNING order_id
    """,
)

_MARK_DELIVERED = """
    UPDATE file_deliveries SET delivered_at = greatest(%(now)s, created_at)
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS new (order_id uuid)
    WHERE file_deliveries.order_id = new.order_id AND file_deliveries.delivered_at IS NULL
"""


def insert_deliveries(
    session: Session, lines: Iterable[OrderLine], *, max_downloads: int, now: datetime
) -> psycopg.Cursor[Any]:
    """Insert deliveries that are not paid yet. Returns a row per order whose product has a file."""
    rows = [
        {"order_id": line.order_id, "product_id": line.product_id, "quantity": line.quantity}
        for line in lines
    ]
    return _INSERT_DELIVERIES.execute(session, rows, max_downloads=max_downloads, now=now)


def mark_delivered(session: Session, lines: Iterable[object], *, now: datetime) -> None:
    send_rows(session, _MARK_DELIVERED, lines, now=now)


def delete_undelivered(session: Session, *, order_id: UUID) -> None:
    session.execute(
        delete(FileDelivery).where(
            FileDelivery.order_id == order_id, FileDelivery.delivered_at.is_(None)
        )
    )


def revoke_units(session: Session, *, order_id: UUID, units: int) -> bool:
    """Returns whether the order has a delivery."""
    return _changed(
        session,
        update(FileDelivery)
        .where(FileDelivery.order_id == order_id)
        .values(revoked_units=FileDelivery.revoked_units + units),
    )


def revoke_links(session: Session, *, order_id: UUID) -> None:
    session.execute(
        update(FileDelivery)
        .where(FileDelivery.order_id == order_id)
        .values(link_serial=FileDelivery.link_serial + 1),
        execution_options={"synchronize_session": False},
    )


def get_delivery(session: Session, order_id: UUID) -> FileDelivery | None:
    return session.get(FileDelivery, order_id, populate_existing=True)


def get_delivery_for_update(
    session: Session, *, order_id: UUID, merchant_id: UUID
) -> FileDelivery | None:
    """Lock the delivery of an order, if that merchant sold it."""
    return session.scalars(
        select(FileDelivery)
        .join(Product, Product.id == FileDelivery.product_id)
        .where(FileDelivery.order_id == order_id, Product.merchant_id == merchant_id)
        .with_for_update(of=FileDelivery, key_share=True)
    ).one_or_none()


def was_sold(session: Session, *, product_id: UUID) -> bool:
    return bool(session.scalar(select(exists().where(FileDelivery.product_id == product_id))))


def count_downloads_of(session: Session, *, product_id: UUID) -> int:
    query = select(func.coalesce(func.sum(FileDelivery.downloads), 0))
    return int(session.scalar(query.where(FileDelivery.product_id == product_id)) or 0)


def get_current(session: Session, *, product_id: UUID) -> Any | None:
    """The current ProductFile and its FileContent."""
    return session.execute(
        select(ProductFile, FileContent)
        .join(FileContent, FileContent.id == ProductFile.content_id)
        .where(ProductFile.product_id == product_id, ProductFile.retired_at.is_(None))
    ).one_or_none()


def count_bytes(session: Session, *, merchant_id: UUID, retired_since: datetime | None) -> int:
    """The bytes of the merchant's files. retired_since: count those retired since then, too."""
    counted: ColumnElement[bool] = ProductFile.retired_at.is_(None)
    if retired_since is not None:
        counted = or_(counted, ProductFile.retired_at >= retired_since)
    query = (
        select(func.coalesce(func.sum(FileContent.size), 0))
        .join(ProductFile, ProductFile.content_id == FileContent.id)
        .join(Product, Product.id == ProductFile.product_id)
        # A literal, so that the planner can prove that the partial index applies.
        .where(Product.merchant_id == merchant_id, text("products.kind = 'FILE'"), counted)
    )
    return int(session.scalar(query) or 0)


def last_version(session: Session, *, product_id: UUID) -> int:
    """The highest version so far, or 0."""
    query = select(func.max(ProductFile.version)).where(ProductFile.product_id == product_id)
    return session.scalar(query) or 0


def insert_file(session: Session, **values: Any) -> ProductFile:
    return insert_row(session, ProductFile(**values))


def get_linked_file(session: Session, *, order_id: UUID, file_id: UUID) -> Any | None:
    """The FileDelivery, ProductFile, FileContent and User of a link."""
    return session.execute(
        select(FileDelivery, ProductFile, FileContent, User)
        .join(ProductFile, ProductFile.product_id == FileDelivery.product_id)
        .join(FileContent, FileContent.id == ProductFile.content_id)
        .join(User, User.id == FileDelivery.buyer_id)
        .where(FileDelivery.order_id == order_id, ProductFile.id == file_id)
    ).one_or_none()


def is_started(session: Session, *, download_id: UUID) -> bool:
    return bool(session.scalar(select(exists().where(FileDownload.id == download_id))))


def insert_download(session: Session, **values: Any) -> bool:
    """Returns whether it is the first use of the link."""
    statement = insert(FileDownload).values(**values).on_conflict_do_nothing()
    return session.scalar(statement.returning(FileDownload.id)) is not None


def count_download(session: Session, *, order_id: UUID) -> FileDelivery | None:
    """Count a download of an order that has one left and was not revoked. None otherwise."""
    return session.scalars(
        update(FileDelivery)
        .where(
            FileDelivery.order_id == order_id,
            FileDelivery.downloads < FileDelivery.downloads_allowed,
            FileDelivery.revoked_units < FileDelivery.quantity,
        )
        .values(downloads=FileDelivery.downloads + 1)
        .returning(FileDelivery),
        execution_options={"populate_existing": True},
    ).one_or_none()


def require_merchant_id(session: Session, *, product_id: UUID) -> UUID:
    """The merchant of a product that exists."""
    query = select(Product.merchant_id).where(Product.id == product_id)
    return session.execute(query).scalar_one()


def spend_bytes(session: Session, *, download_id: UUID, length: int) -> bool:
    """Returns whether the link had that many bytes left."""
    return _changed(
        session,
        update(FileDownload)
        .where(
            FileDownload.id == download_id,
            FileDownload.served + length <= FileDownload.budget,
        )
        .values(served=FileDownload.served + length),
    )


def restore_bytes(session: Session, *, download_id: UUID, length: int) -> None:
    session.execute(
        update(FileDownload)
        .where(FileDownload.id == download_id)
        .values(served=FileDownload.served - length)
    )


def _changed(session: Session, statement: Any) -> bool:
    result: Any = session.execute(statement.execution_options(synchronize_session=False))
    return bool(result.rowcount)
