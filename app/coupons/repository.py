"""SQL of coupons."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, send_rows, write
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row
from app.coupons.models import Coupon, CouponUse

_LOCK = """
    SELECT c.id, c.code, c.merchant_id, c.product_id, c.kind, c.value, c.currency, c.starts_at,
        c.ends_at, c.max_uses, c.max_uses_per_user, c.uses, c.is_active
    FROM coupons c
    WHERE c.deleted_at IS NULL AND (c.merchant_id, c.code) IN (
        SELECT p.merchant_id, w.code
        FROM json_to_recordset(CAST(%(rows)s AS json)) AS w (product_id uuid, code text)
        JOIN products p ON p.id = w.product_id
    )
    ORDER BY c.id FOR UPDATE OF c
"""

_COUNT_USES = """
    SELECT u.coupon_id, u.user_id, count(*) AS uses
    FROM coupon_uses u
    JOIN coupons c ON c.id = u.coupon_id
    WHERE u.released_at IS NULL AND c.max_uses_per_user IS NOT NULL AND c.deleted_at IS NULL
        AND (c.merchant_id, c.code, u.user_id) IN (
            SELECT p.merchant_id, w.code, w.user_id
            FROM json_to_recordset(CAST(%(rows)s AS json))
                AS w (product_id uuid, code text, user_id uuid)
            JOIN products p ON p.id = w.product_id
        )
    GROUP BY u.coupon_id, u.user_id
"""

_ADD_USES = """
    UPDATE coupons SET uses = coupons.uses + new.new_uses
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS new (id uuid, new_uses bigint)
    WHERE coupons.id = new.id
"""

_INSERT_USES = BulkInsert(CouponUse)


def lock_coupons(session: Session, requests: Sequence[object]) -> Iterable[Any]:
    """Lock coupons in id order. requests: with product_id and code."""
    return send_rows(session, _LOCK, requests)


def count_uses(session: Session, requests: Sequence[object]) -> Iterable[Any]:
    """Count the uses per user of coupons that limit them. requests: with product_id, code and
    user_id."""
    return send_rows(session, _COUNT_USES, requests)


def add_uses(session: Session, coupons: Iterable[object]) -> None:
    """coupons: with id and new_uses."""
    write(session, Write(_ADD_USES, coupons))


def insert_uses(session: Session, uses: Iterable[CouponUse]) -> None:
    write(session, Write(_INSERT_USES, uses))


def get_use_for_update(session: Session, order_id: UUID) -> CouponUse | None:
    return session.get(CouponUse, order_id, with_for_update=True, populate_existing=True)


def remove_use(session: Session, *, coupon_id: UUID) -> None:
    session.execute(update(Coupon).where(Coupon.id == coupon_id).values(uses=Coupon.uses - 1))


def insert_coupon(session: Session, **values: Any) -> Coupon:
    return insert_row(session, Coupon(**values))


def get_coupon(session: Session, *, coupon_id: UUID, merchant_id: UUID) -> Coupon | None:
    return session.scalars(_live(merchant_id).where(Coupon.id == coupon_id)).one_or_none()


def get_coupon_for_update(session: Session, *, coupon_id: UUID, merchant_id: UUID) -> Coupon | None:
    query = _live(merchant_id).where(Coupon.id == coupon_id).with_for_update(key_share=True)
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def list_coupons(session: Session, page: PageRequest, *, merchant_id: UUID) -> Page[Coupon]:
    """The merchant's coupons, newest first."""
    return paginate(session, page, _live(merchant_id), Coupon.id)


def count_coupons(session: Session, *, merchant_id: UUID, limit: int | None) -> int:
    """The number of the merchant's coupons, up to `limit`."""
    live = _live(merchant_id).with_only_columns(Coupon.code).limit(limit).subquery()
    return session.scalar(select(func.count()).select_from(live)) or 0


def mark_deleted(coupon: Coupon, now: datetime) -> None:
    coupon.is_active = False
    coupon.deleted_at = coupon.updated_at = now


def _live(merchant_id: UUID) -> Any:
    return select(Coupon).where(Coupon.merchant_id == merchant_id, Coupon.deleted_at.is_(None))
