"""SQL of codes and their uploads."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, send_rows
from app.common.driver import send
from app.common.pagination import Page, PageRequest, paginate
from app.delivery.codes.models import (
    CodeStatus,
    CodeUpload,
    CodeUploadChunk,
    ProductCode,
    UploadStatus,
)

# Each product's first codes that nobody has, dealt out to its orders in their order. Looking the
# order of a code up in an array costs the same however many orders there are.
_RESERVE = """
    WITH needed AS MATERIALIZED (
        SELECT line.product_id, array_agg(line.order_id ORDER BY line.place) AS orders
        FROM json_to_recordset(CAST(%(rows)s AS json))
            AS line (place bigint, order_id uuid, product_id uuid, quantity bigint)
        CROSS JOIN generate_series(1, line.quantity)
        GROUP BY line.product_id
    ), picked AS MATERIALIZED (
        SELECT code.id, needed.orders[code.place] AS order_id
        FROM needed CROSS JOIN LATERAL (
            SELECT free.id, row_number() OVER (ORDER BY free.position) AS place
            FROM (
                SELECT id, position FROM product_codes
                WHERE product_id = needed.product_id AND order_id IS NULL
                ORDER BY position LIMIT cardinality(needed.orders) FOR UPDATE SKIP LOCKED
            ) AS free
        ) AS code
    ), taken AS (
        UPDATE product_codes SET order_id = picked.order_id, taken_at = %(now)s
        FROM picked WHERE product_codes.id = picked.id
        RETURNING 1
    )
    SELECT count(*) AS units FROM taken
"""

_INSERT = BulkInsert(
    ProductCode,
    omit=("order_id", "taken_at", "seen_at", "revoked_at"),
    computed={"product_id": "%(product_id)s"},
    tail="""
        ORDER BY new.position
        ON CONFLICT (product_id, fingerprint) DO NOTHING
        RETURNING position
    """,
)

_STATES: dict[str, tuple[ColumnElement[bool], ...]] = {
    CodeStatus.AVAILABLE: (ProductCode.order_id.is_(None),),
    CodeStatus.SOLD: (ProductCode.order_id.is_not(None), ProductCode.revoked_at.is_(None)),
    CodeStatus.REVOKED: (ProductCode.revoked_at.is_not(None),),
}


def take_codes(
    session: Session, lines: Iterable[dict[str, Any]], *, now: datetime
) -> Iterable[Any]:
    """Give free codes to orders, the first to the first. The one row says how many, in `units`.

    lines: with place, order_id, product_id and quantity.
    """
    return send_rows(session, _RESERVE, lines, now=now)


def give_back_codes(session: Session, *, order_id: UUID) -> None:
    session.execute(
        update(ProductCode)
        .where(ProductCode.order_id == order_id)
        .values(order_id=None, taken_at=None)
    )


def lock_codes_of_order(session: Session, *, order_id: UUID, limit: int) -> Sequence[Any]:
    """Codes that an order still has, locked: id and seen_at; those that nobody has seen first."""
    return session.execute(
        select(ProductCode.id, ProductCode.seen_at)
        .where(ProductCode.order_id == order_id, ProductCode.revoked_at.is_(None))
        .order_by(ProductCode.seen_at.is_not(None), ProductCode.position.desc())
        .limit(limit)
        .with_for_update()
    ).all()


def free_codes(session: Session, code_ids: Sequence[UUID]) -> None:
    session.execute(
        update(ProductCode).where(ProductCode.id.in_(code_ids)).values(order_id=None, taken_at=None)
    )


def revoke_codes(session: Session, code_ids: Sequence[UUID], *, now: datetime) -> None:
    session.execute(update(ProductCode).where(ProductCode.id.in_(code_ids)).values(revoked_at=now))


def mark_seen(session: Session, *, order_id: UUID, now: datetime) -> None:
    session.execute(
        update(ProductCode)
        .where(ProductCode.order_id == order_id, ProductCode.seen_at.is_(None))
        .values(seen_at=now)
    )


def codes_of_order(session: Session, order_id: UUID) -> Sequence[Any]:
    """What an order has and was not taken back: id and sealed code, in order."""
    return session.execute(
        select(ProductCode.id, ProductCode.sealed)
        .where(ProductCode.order_id == order_id, ProductCode.revoked_at.is_(None))
        .order_by(ProductCode.position)
    ).all()


def list_codes(
    session: Session, page: PageRequest, *, product_id: UUID, status: str | None
) -> Page[ProductCode]:
    """The product's codes, in the order of sale."""
    query = select(ProductCode).where(*_among(product_id, status))
    return paginate(session, page, query, ProductCode.position, descending=False)


def count_by_status(session: Session, product_id: UUID) -> dict[str, int]:
    """How many codes of a product are in each state, of one moment."""
    counts = [func.count().filter(*state).label(status) for status, state in _STATES.items()]
    row = session.execute(select(*counts).where(ProductCode.product_id == product_id)).one()
    return dict(row._mapping)


def _among(product_id: UUID, status: str | None) -> tuple[ColumnElement[bool], ...]:
    return (ProductCode.product_id == product_id, *(_STATES[status] if status else ()))


def get_code_for_update(session: Session, *, product_id: UUID, code_id: UUID) -> ProductCode | None:
    return session.scalar(
        select(ProductCode)
        .where(ProductCode.id == code_id, ProductCode.product_id == product_id)
        .with_for_update()
    )


def delete_code(session: Session, code: ProductCode) -> None:
    session.delete(code)
    session.flush()


def lock_uploads_of(session: Session, product_id: UUID) -> None:
    """Wait until nobody else adds codes to the product; nobody who sells them is in the way."""
    send(
        session,
        "SELECT pg_advisory_xact_lock(hashtextextended('product-codes/' || %(id)s, 0))",
        {"id": str(product_id)},
    )


def known_fingerprints(
    session: Session, *, product_id: UUID, fingerprints: Sequence[bytes]
) -> set[bytes]:
    """Which of them the product has a code with."""
    return set(
        session.scalars(
            select(ProductCode.fingerprint).where(
                ProductCode.product_id == product_id, ProductCode.fingerprint.in_(fingerprints)
            )
        )
    )


def insert_codes(session: Session, rows: Iterable[object], *, product_id: UUID) -> set[int]:
    """Insert codes whose fingerprints are new; the positions of those that are in.

    rows: with id, position, fingerprint and sealed.
    """
    inserted = _INSERT.execute(session, rows, product_id=product_id)
    return {row.position for row in inserted}


def insert_upload(session: Session, **values: Any) -> CodeUpload:
    upload = CodeUpload(**values)
    session.add(upload)
    session.flush()
    return upload


def get_upload_for_update(session: Session, upload_id: UUID) -> CodeUpload | None:
    return session.get(CodeUpload, upload_id, with_for_update=True, populate_existing=True)


def get_upload_of(session: Session, *, product_id: UUID, upload_id: UUID) -> CodeUpload | None:
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


def insert_chunk(session: Session, *, upload_id: UUID, number: int, sealed: bytes) -> None:
    session.execute(
        insert(CodeUploadChunk).values(upload_id=upload_id, number=number, sealed=sealed)
    )


def next_chunk(session: Session, upload_id: UUID) -> Any | None:
    """The first chunk that is left, with its upload."""
    return session.execute(
        select(CodeUpload, CodeUploadChunk)
        .join(CodeUploadChunk, CodeUploadChunk.upload_id == CodeUpload.id)
        .where(CodeUpload.id == upload_id, CodeUpload.status == UploadStatus.PROCESSING)
        .order_by(CodeUploadChunk.number)
        .limit(1)
    ).one_or_none()


def delete_chunk(session: Session, *, upload_id: UUID, number: int) -> bool:
    """Whether it was there."""
    gone = session.execute(
        delete(CodeUploadChunk)
        .where(CodeUploadChunk.upload_id == upload_id, CodeUploadChunk.number == number)
        .returning(CodeUploadChunk.number)
    )
    return gone.one_or_none() is not None


def delete_chunks(session: Session, upload_id: UUID) -> None:
    session.execute(delete(CodeUploadChunk).where(CodeUploadChunk.upload_id == upload_id))


def lock_open_uploads(
    session: Session, *, status: UploadStatus, before: datetime, limit: int
) -> Sequence[CodeUpload]:
    """Uploads of which nothing was heard since then and that nobody is working on, locked."""
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
