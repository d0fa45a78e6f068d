"""Orders: who bought what, and how it was paid."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.db import Base


class PaymentMethod(StrEnum):
    WALLET = "WALLET"
    GATEWAY = "GATEWAY"


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    PAYMENT_PROCESSING = "PAYMENT_PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


_STATUSES = ", ".join(f"'{status}'" for status in OrderStatus)


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("amount = unit_price * quantity", name="amount_is_price_times_quantity"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("fee >= 0 AND fee <= amount", name="fee_within_amount"),
        CheckConstraint("user_id <> merchant_id", name="not_own_product"),
        CheckConstraint("payment_method IN ('WALLET', 'GATEWAY')", name="payment_method_known"),
        CheckConstraint(f"status IN ({_STATUSES})", name="status_known"),
        CheckConstraint(
            "status <> 'COMPLETED' OR completed_at IS NOT NULL", name="completed_has_time"
        ),
        Index("ix_orders_buyer", "user_id", "id"),
        Index("ix_orders_merchant", "merchant_id", "id"),
        Index("ix_orders_product", "product_id"),
        Index(
            "uq_orders_key",
            "user_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    payment_method: Mapped[str]
    status: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[int]
    amount: Mapped[int]
    fee: Mapped[int]
    currency: Mapped[str]
    stripe_session_id: Mapped[str | None]
    stripe_payment_intent_id: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    notes: Mapped[str | None]
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    completed_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure_reason: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
