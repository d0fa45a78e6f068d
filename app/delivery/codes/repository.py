"""SQL of codes and their uploads."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, send_rows
from app.common.driver import send
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row
from app.delivery.codes.models import (
    CodeStatus,
    CodeUpload,
    CodeUploadChunk,
    ProductCode,
    UploadStatus,
)
from app.delivery.repository import ORDERS

# Assigns the first available codes of each product to its orders in their order. Looking up the
# order of a code in an array takes constant time, whatever the number of orders.
_ASSIGN = """
    WITH needed AS MATERIALIZED (
        SELECT line.product_id, array_agg(line.order_id ORDER BY line.ordinal) AS orders
        FROM json_to_recordset(CAST(%(rows)s AS json))
            AS line (ordinal bigint, order_id uuid, product_id uuid, quantity bigint)
        CROSS JOIN generate_series(1, line.quantity)
        GROUP BY line.product_id
    ), picked AS MATERIALIZED (
        SELECT code.id, needed.orders[code.ordinal] AS order_id
        FROM needed CROSS JOIN LATERAL (
            SELECT free.id, row_number() OVER (ORDER BY free.position) AS ordinal
            FROM (
                SELECT id, position FROM product_codes
                WHERE product_id = needed.product_id AND order_id IS NULL
                ORDER BY position LIMIT cardinality(needed.orders) FOR UPDATE SKIP LOCKED
            ) AS free
        ) AS code
    ), assigned AS (
        UPDATE product_codes SET order_id = picked.order_id, taken_at = %(now)s
        FROM picked WHERE product_codes.id = picked.id
        RETURNING 1
    )
    SELECT count(*) AS units FROM assigned
"""

_INSERT = BulkInsert(
    ProductCode,
    omit=(
        "order_id",
        "taken_at",
        "seen_at",
        "revoked_at",
        "revocation_reason",
        "is_withdrawn",
        "replaced_by",
    ),
    computed={"product_id": "%(product_id)s"},
    tail="""
        ORDER BY new.position
        ON CONFLICT (product_id, fingerprint) DO NOTHING
        RETURNING position
    """,
)

#: Whether an order is paid. The rest of it is the business of app.orders.

_CONDITIONS: dict[str, tuple[ColumnElement[bool], ...]] = {
    CodeStatus.AVAILABLE: (ProductCode.order_id.is_(None),),
    CodeStatus.SOLD: (ProductCode.order_id.is_not(None), ProductCode.revoked_at.is_(None)),
    CodeStatus.REVOKED: (ProductCode.revoked_at.is_not(None),),
}


def assign_codes(
    session: Session, lines: Iterable[dict[str, Any]], *, now: datetime
) -> Iterable[Any]:
    """Assign available codes to orders. Returns one row with the number of codes in `units`.

    lines: with ordinal, order_id, product_id and quantity.
    """
    return send_rows(session, _ASSIGN, lines, now=now)


def release_codes_of_order(session: Session, *, order_id: UUID) -> None:
    session.execute(
        update(ProductCode)
        .where(ProductCode.order_id == order_id)
        .values(order_id=None, taken_at=None)
    )


def lock_refundable(session: Session, *, order_id: UUID, units: int) -> Sequence[Any]:
    """Lock codes of an order that a refund takes back: withdrawn ones, then those that the buyer
    has not seen, then the last. Returns id, seen_at and is_withdrawn of each."""
    return session.execute(
        select(ProductCode.id, ProductCode.seen_at, ProductCode.is_withdrawn)
        .where(
            ProductCode.order_id == order_id,
            or_(ProductCode.revoked_at.is_(None), ProductCode.is_withdrawn),
        )
        .order_by(
            ProductCode.is_withdrawn.desc(),
            ProductCode.seen_at.is_not(None),
            ProductCode.position.desc(),
        )
        .limit(units)
        .with_for_update()
    ).all()


def release_codes(session: Session, code_ids: Sequence[UUID]) -> None:
    session.execute(
        update(ProductCode).where(ProductCode.id.in_(code_ids)).values(order_id=None, taken_at=None)
    )


def revoke_refunded(session: Session, code_ids: Collection[UUID], *, now: datetime) -> None:
    """Revoke codes that were refunded, unless they are revoked already."""
    session.execute(
        update(ProductCode)
        .where(ProductCode.id.in_(code_ids))
        .values(
            revoked_at=func.coalesce(
                ProductCode.revoked_at, func.greatest(now, ProductCode.seen_at)
            ),
            is_withdrawn=False,
        )
    )


def is_paid(session: Session, order_id: UUID) -> bool:
    """Whether an order is paid, and not refunded as a whole."""
    return session.scalar(select(ORDERS.c.status).where(ORDERS.c.id == order_id)) == "COMPLETED"


def get_next_free_for_update(session: Session, *, product_id: UUID) -> ProductCode | None:
    """Lock the next code that would be sold of a locked product."""
    return session.scalar(
        select(ProductCode)
        .where(ProductCode.product_id == product_id, ProductCode.order_id.is_(None))
        .order_by(ProductCode.position)
        .limit(1)
        .with_for_update()
    )


def mark_seen(session: Session, *, order_id: UUID, now: datetime) -> None:
    session.execute(
        update(ProductCode)
        .where(
            ProductCode.order_id == order_id,
            ProductCode.seen_at.is_(None),
            ProductCode.revoked_at.is_(None),
        )
        .values(seen_at=func.greatest(now, ProductCode.taken_at))
    )


def list_codes_of_order(session: Session, order_id: UUID) -> Sequence[Any]:
    """The codes of an order that are not revoked: id and encrypted code, in order."""
    return session.execute(
        select(ProductCode.id, ProductCode.encrypted)
        .where(ProductCode.order_id == order_id, ProductCode.revoked_at.is_(None))
        .order_by(ProductCode.position)
    ).all()


def list_revoked(session: Session, order_id: UUID) -> Sequence[ProductCode]:
    """The codes of an order that are revoked and cannot be sold again, in order."""
    return session.scalars(
        select(ProductCode)
        .where(ProductCode.order_id == order_id, ProductCode.revoked_at.is_not(None))
        .order_by(ProductCode.position)
    ).all()


def list_codes(
    session: Session, page: PageRequest, *, product_id: UUID, status: str | None
) -> Page[Any]:
    """The product's codes, each with the number of its order if any, in the order of sale."""
    matching = _matching(product_id, status)
    return paginate(
        session,
        page,
        select(ProductCode, ORDERS.c.number)
        .outerjoin(ORDERS, ORDERS.c.id == ProductCode.order_id)
        .where(*matching),
        ProductCode.position,
        descending=False,
        count=select(ProductCode.id).where(*matching),
    )


def count_by_status(session: Session, product_id: UUID) -> dict[str, int]:
    """The number of codes of a product by CodeStatus, in one snapshot."""
    counts = [
        func.count().filter(*condition).label(status) for status, condition in _CONDITIONS.items()
    ]
    row = session.execute(select(*counts).where(ProductCode.product_id == product_id)).one()
    return dict(row._mapping)


def _matching(product_id: UUID, status: str | None) -> tuple[ColumnElement[bool], ...]:
    return (ProductCode.product_id == product_id, *(_CONDITIONS[status] if status else ()))


def get_code_for_update(session: Session, *, product_id: UUID, code_id: UUID) -> ProductCode | None:
    return session.scalar(
        select(ProductCode)
        .where(ProductCode.id == code_id, ProductCode.product_id == product_id)
        .with_for_update()
    )


def delete_code(session: Session, code: ProductCode) -> None:
    session.delete(code)
    session.flush()


def delete_free_codes(session: Session, *, product_id: UUID, limit: int) -> int:
    """Delete up to `limit` unsold codes of a locked product. Returns their number."""
    free = (
        select(ProductCode.id)
        .where(ProductCode.product_id == product_id, ProductCode.order_id.is_(None))
        .limit(limit)
    )
    deleted: Any = session.execute(
        delete(ProductCode)
        .where(ProductCode.id.in_(free))
        .execution_options(synchronize_session=False)
    )
    return int(deleted.rowcount)


def count_pending_codes(session: Session, *, merchant_id: UUID) -> int:
    """The codes that the merchant's open uploads have received and not added."""
    pending = func.sum(CodeUpload.total - CodeUpload.added - CodeUpload.duplicates)
    query = select(func.coalesce(pending, 0)).where(
        CodeUpload.merchant_id == merchant_id, CodeUpload.closed_at.is_(None)
    )
    return int(session.scalar(query) or 0)


def lock_uploads_of_product(session: Session, product_id: UUID) -> None:
    """Serialize the transactions that add codes to a product, without blocking its sales."""
    send(
        session,
        "SELECT pg_advisory_xact_lock(hashtextextended('product-codes/' || %(id)s, 0))",
        {"id": str(product_id)},
    )


def list_known_fingerprints(
    session: Session, *, product_id: UUID, fingerprints: Sequence[bytes]
) -> set[bytes]:
    """The subset that belongs to codes of the product."""
    return set(
        session.scalars(
            select(ProductCode.fingerprint).where(
                ProductCode.product_id == product_id, ProductCode.fingerprint.in_(fingerprints)
            )
        )
    )


def insert_codes(session: Session, rows: Iterable[object], *, product_id: UUID) -> set[int]:
    """Insert codes whose fingerprints are new. Returns the positions of the inserted codes.

    rows: with id, position, fingerprint and encrypted.
    """
    inserted = _INSERT.execute(session, rows, product_id=product_id)
    return {row.position for row in inserted}


def insert_upload(session: Session, **values: Any) -> CodeUpload:
    return insert_row(session, CodeUpload(**values))


def get_upload_for_update(session: Session, upload_id: UUID) -> CodeUpload | None:
    return session.get(CodeUpload, upload_id, with_for_update=True, populate_existing=True)


def get_upload(session: Session, *, product_id: UUID, upload_id: UUID) -> CodeUpload | None:
    return session.scalar(
        select(CodeUpload).where(CodeUpload.id == upload_id, CodeUpload.product_id == product_id)
    )


def list_uploads(session: Session, page: PageRequest, *, product_id: UUID) -> Page[CodeUpload]:
    """Uploads to the product, newest first."""
    query = select(CodeUpload).where(CodeUpload.product_id == product_id)
    return paginate(session, page, query, CodeUpload.id)


def delete_upload(session: Session, upload: CodeUpload) -> None:
    delete_chunks(session, upload.id)
    session.delete(upload)
    session.flush()


def insert_chunk(session: Session, *, upload_id: UUID, number: int, encrypted: bytes) -> None:
    session.execute(
        insert(CodeUploadChunk).values(upload_id=upload_id, number=number, encrypted=encrypted)
    )


def get_next_chunk(session: Session, upload_id: UUID) -> Any | None:
    """The upload and its first remaining chunk."""
    return session.execute(
        select(CodeUpload, CodeUploadChunk)
        .join(CodeUploadChunk, CodeUploadChunk.upload_id == CodeUpload.id)
        .where(CodeUpload.id == upload_id, CodeUpload.status == UploadStatus.PROCESSING)
        .order_by(CodeUploadChunk.number)
        .limit(1)
    ).one_or_none()


def delete_chunk(session: Session, *, upload_id: UUID, number: int) -> bool:
    """Returns whether the chunk existed."""
    deleted = session.execute(
        delete(CodeUploadChunk)
        .where(CodeUploadChunk.upload_id == upload_id, CodeUploadChunk.number == number)
        .returning(CodeUploadChunk.number)
    )
    return deleted.one_or_none() is not None


def delete_chunks(session: Session, upload_id: UUID) -> None:
    session.execute(delete(CodeUploadChunk).where(CodeUploadChunk.upload_id == upload_id))


def lock_open_uploads(
    session: Session, *, status: UploadStatus, before: datetime, limit: int
) -> Sequence[CodeUpload]:
    """Lock uploads that were not updated since then, and that no other transaction has locked."""
    return session.scalars(
        select(CodeUpload)
        .where(
            CodeUpload.closed_at.is_(None),
            CodeUpload.status == status,
            CodeUpload.updated_at < before,
        )
        .order_by(CodeUpload.updated_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
