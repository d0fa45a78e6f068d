"""SQL of uploads in parts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.common.rows import insert_row
from app.delivery.files.uploads.models import FileUpload, FileUploadPart
from app.products.models import Product


def get_unfinished(session: Session, *, product_id: UUID) -> FileUpload | None:
    return session.scalars(
        select(FileUpload).where(
            FileUpload.product_id == product_id, FileUpload.closed_at.is_(None)
        ),
        execution_options={"populate_existing": True},
    ).one_or_none()


def get_upload(session: Session, *, product_id: UUID, upload_id: UUID) -> FileUpload | None:
    return session.scalars(
        select(FileUpload).where(FileUpload.id == upload_id, FileUpload.product_id == product_id),
        execution_options={"populate_existing": True},
    ).one_or_none()


def insert_upload(session: Session, **values: Any) -> FileUpload:
    return insert_row(session, FileUpload(**values))


def list_parts(session: Session, *, upload_id: UUID) -> Sequence[FileUploadPart]:
    return session.scalars(
        select(FileUploadPart)
        .where(FileUploadPart.upload_id == upload_id)
        .order_by(FileUploadPart.number)
    ).all()


def get_part(session: Session, *, upload_id: UUID, number: int) -> FileUploadPart | None:
    return session.get(FileUploadPart, (upload_id, number), populate_existing=True)


def insert_part(session: Session, **values: Any) -> None:
    """Insert a part, unless it is there."""
    session.execute(insert(FileUploadPart).values(**values).on_conflict_do_nothing())


def count_bytes(session: Session, *, merchant_id: UUID, begun_since: datetime) -> int:
    """The bytes of the merchant's unfinished files whose upload began since then."""
    query = (
        select(func.coalesce(func.sum(FileUpload.size), 0))
        .join(Product, Product.id == FileUpload.product_id)
        # A literal, so that the planner can prove that the partial index applies.
        .where(Product.merchant_id == merchant_id, text("products.kind = 'FILE'"))
        .where(FileUpload.closed_at.is_(None), FileUpload.created_at >= begun_since)
    )
    return int(session.scalar(query) or 0)
