"""Coupons, and their uses."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.bulk import row_class
from app.common.columns import Created, Identified, Timestamped, known_values, mutable
from app.common.db import Base


class CouponKind(StrEnum):
    PERCENT = "PERCENT"
    FIXED = "FIXED"


class Coupon(Identified, Timestamped, Base):
    """A discount on a merchant's products.

    value: hundredths of a percent, or minor units of `currency`. product_id: None for all products
    of the merchant. max_uses, max_uses_per_user: None for no limit. uses: by orders, paid or
    pending.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        known_values("kind", CouponKind),
        CheckConstraint("value > 0 AND (kind = 'FIXED' OR value <= 10000)", name="value_positive"),
        CheckConstraint("code ~ '^[A-Z0-9][A-Z0-9_-]{2,39}$'", name="code_canonical"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("max_uses > 0 AND max_uses_per_user > 0", name="caps_positive"),
        CheckConstraint("uses >= 0 AND (max_uses IS NULL OR uses <= max_uses)", name="uses_in_cap"),
        Index(
            "uq_coupons_code",
            "merchant_id",
            "code",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_coupons_merchant", "merchant_id", "id"),
        {"postgresql_with": {"fillfactor": "50"}}
        | mutable(
            "starts_at", "ends_at", "max_uses", "uses", "is_active", "deleted_at", "updated_at"
        ),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    product_id: Mapped[UUID | None] = mapped_column(ForeignKey("products.id"))
    code: Mapped[str]
    kind: Mapped[str]
    value: Mapped[int]
    currency: Mapped[str]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    max_uses: Mapped[int | None]
    max_uses_per_user: Mapped[int | None]
    uses: Mapped[int] = mapped_column(server_default="0")
    is_active: Mapped[bool]
    deleted_at: Mapped[datetime | None]


class CouponUse(Created, Base):
    """The use of a coupon by an order. released_at: when the order was cancelled unpaid."""

    __tablename__ = "coupon_uses"
    __table_args__ = (
        CheckConstraint("discount >= 0", name="discount_not_negative"),
        Index(
            "ix_coupon_uses_user",
            "coupon_id",
            "user_id",
            postgresql_where=text("released_at IS NULL"),
        ),
        mutable("released_at"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    coupon_id: Mapped[UUID] = mapped_column(ForeignKey("coupons.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    discount: Mapped[int]
    released_at: Mapped[datetime | None]


CouponUseRow: Final = row_class(CouponUse)
