"""Orders, checkouts, refunds and refund requests."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.bulk import row_class
from app.common.columns import Created, Identified, Monetary, Timestamped, known_values, mutable
from app.common.db import Base
from app.common.polling import Polled
from app.idempotency.models import ATTEMPT_ID, key_index


class PaymentMethod(StrEnum):
    WALLET = "WALLET"
    GATEWAY = "GATEWAY"


class OrderStatus(StrEnum):
    """PENDING: reserved until it is paid at the gateway. PENDING_REVIEW: its money is on hold until
    an administrator releases or rejects it."""

    PENDING = "PENDING"
    PAYMENT_PROCESSING = "PAYMENT_PROCESSING"
    PENDING_REVIEW = "PENDING_REVIEW"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


class RefundState(StrEnum):
    """How much of an order was refunded: nothing, a part, or all of its amount and units."""

    NONE = "NONE"
    PARTIAL = "PARTIAL"
    FULL = "FULL"


#: In SQL, of orders that are refunded in part. The others are REFUNDED or have no refund.
PARTLY_REFUNDED: Final = "status = 'COMPLETED' AND refunded_amount + refunded_units > 0"


class Order(Timestamped, Base):
    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(
            "amount = unit_price * quantity - discount AND discount >= 0 AND amount >= 0",
            name="amount_adds_up",
        ),
        CheckConstraint("(coupon_id IS NULL) = (coupon_code IS NULL)", name="coupon_has_code"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("fee >= 0 AND fee <= amount", name="fee_within_amount"),
        CheckConstraint(
            "user_id <> merchant_id OR giveaway_id IS NOT NULL", name="not_own_product"
        ),
        CheckConstraint("giveaway_id IS NULL OR amount = 0", name="giveaway_is_free"),
        known_values("payment_method", PaymentMethod),
        known_values("status", OrderStatus),
        CheckConstraint(
            "status <> 'COMPLETED' OR completed_at IS NOT NULL", name="completed_has_time"
        ),
        CheckConstraint(
            "refunded_amount BETWEEN 0 AND amount AND refunded_fee BETWEEN 0 AND fee",
            name="refunded_within",
        ),
        CheckConstraint(
            "refunded_units BETWEEN 0 AND quantity AND restored_units BETWEEN 0 AND quantity",
            name="units_within",
        ),
        CheckConstraint(
            "status <> 'REFUNDED' OR refunded_amount = amount AND refunded_units = quantity",
            name="refunded_is_whole",
        ),
        Index("ix_orders_buyer", "user_id", "id"),
        Index("ix_orders_merchant", "merchant_id", "id"),
        Index("ix_orders_open", "user_id", postgresql_where=text("status = 'PENDING'")),
        Index(
            "ix_orders_coupon",
            "coupon_id",
            "id",
            postgresql_where=text("coupon_id IS NOT NULL"),
        ),
        # For purchase limits: the units of a product that a buyer owns.
        Index("ix_orders_cap", "user_id", "product_id"),
        # Sales of a product, newest first. No other index starts with product_id, so that
        # PostgreSQL chooses this one and does not sort.
        Index("ix_orders_product", "product_id", "id"),
        # These are partial, so that purchases from a wallet do not write them.
        Index(
            "ix_orders_unusual",
            "merchant_id",
            "status",
            "id",
            postgresql_where=text("status <> 'COMPLETED'"),
        ),
        # Of all merchants, for administrators.
        Index("ix_orders_status", "status", "id", postgresql_where=text("status <> 'COMPLETED'")),
        # The checkouts of a merchant, to count them by how they ended.
        Index(
            "ix_orders_checkouts",
            "merchant_id",
            "id",
            "status",
            postgresql_where=text("payment_method = 'GATEWAY'"),
        ),
        Index("ix_orders_card", "id", postgresql_where=text("payment_method = 'GATEWAY'")),
        Index(
            "ix_orders_partly_refunded",
            "merchant_id",
            "id",
            postgresql_where=text(PARTLY_REFUNDED),
        ),
        Index(
            "ix_orders_gateway",
            "merchant_id",
            "completed_at",
            postgresql_where=text("payment_method = 'GATEWAY' AND completed_at IS NOT NULL"),
        ),
        # Of all merchants, to sum a day.
        Index(
            "ix_orders_gateway_completed",
            "completed_at",
            postgresql_where=text("payment_method = 'GATEWAY' AND completed_at IS NOT NULL"),
        ),
        # One per user; and the orders of a giveaway, newest first.
        Index(
            "uq_orders_giveaway_user",
            "giveaway_id",
            "user_id",
            unique=True,
            postgresql_where=text("giveaway_id IS NOT NULL"),
        ),
        Index(
            "ix_orders_giveaway",
            "giveaway_id",
            "id",
            postgresql_where=text("giveaway_id IS NOT NULL"),
        ),
        key_index("uq_orders_key", "user_id"),
        mutable(
            "status",
            "refunded_amount",
            "refunded_fee",
            "refunded_units",
            "restored_units",
            "stripe_session_id",
            "stripe_payment_intent_id",
            "completed_at",
            "failed_at",
            "failure_reason",
            "updated_at",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=ATTEMPT_ID)
    #: For people: 11 digits in groups, later 13, the last a check digit (ISO 7064, MOD 11,10).
    number: Mapped[str] = mapped_column(unique=True, server_default=text("new_order_number()"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    payment_method: Mapped[str]
    status: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[int]
    discount: Mapped[int] = mapped_column(server_default="0")
    amount: Mapped[int]
    fee: Mapped[int]
    currency: Mapped[str]
    coupon_id: Mapped[UUID | None] = mapped_column(ForeignKey("coupons.id"))
    coupon_code: Mapped[str | None]
    #: What the merchant gives away is an order that costs nothing, and no sale.
    giveaway_id: Mapped[UUID | None] = mapped_column(ForeignKey("giveaways.id"))
    #: Totals of the order's refunds: minor units, units taken back, and those of them that are on
    #: sale again.
    refunded_amount: Mapped[int] = mapped_column(server_default="0")
    refunded_fee: Mapped[int] = mapped_column(server_default="0")
    refunded_units: Mapped[int] = mapped_column(server_default="0")
    restored_units: Mapped[int] = mapped_column(server_default="0")
    stripe_session_id: Mapped[str | None]
    stripe_payment_intent_id: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    notes: Mapped[str | None]
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    completed_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure_reason: Mapped[str | None]


OrderRow: Final = row_class(Order)


class Checkout(Polled, Base):
    """The checkout session at the gateway where a PENDING order can be paid until it expires.

    fingerprint: of the request that created the order, if it had an Idempotency-Key; url: of the
    payment page, None until the session is known; cancel_requested: by the buyer, so that the order
    is cancelled when the session ends unpaid.
    """

    __tablename__ = "checkouts"
    __table_args__ = (
        Index(
            "ix_checkouts_due",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
        mutable(
            "url", "expires_at", "cancel_requested", "attempts", "next_attempt_at", "flagged_at"
        ),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    fingerprint: Mapped[bytes | None]
    url: Mapped[str | None]
    expires_at: Mapped[datetime]
    cancel_requested: Mapped[bool] = mapped_column(server_default="false")


class OrderPageAddress(Base):
    """How often the address of an order's page was revoked; without a row, never."""

    __tablename__ = "order_page_addresses"
    __table_args__ = (CheckConstraint("serial > 0", name="serial_positive"), mutable("serial"))

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    serial: Mapped[int]


class RefundStatus(StrEnum):
    """PENDING: the merchant was debited, and the gateway has not confirmed the refund yet."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"


class RefundDestination(StrEnum):
    """How the buyer gets the money.

    The WALLET; the card through the GATEWAY; EXTERNAL: outside of this system, by the platform.
    """

    WALLET = "WALLET"
    GATEWAY = "GATEWAY"
    EXTERNAL = "EXTERNAL"


class Refund(Polled, Created, Monetary, Base):
    """A full or partial refund of an order.

    amount: minor units to the buyer; fee: minor units of the platform fee back to the merchant;
    units: units taken back; restored_units: those of them that are on sale again; failure_reason:
    why the gateway could not make it or, while it is PENDING, refuses to; settled_by: the
    administrator who decided how the buyer gets it instead.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount >= 0 AND fee >= 0 AND fee <= amount", name="amounts_add_up"),
        CheckConstraint(
            "restored_units BETWEEN 0 AND units AND amount + units > 0", name="units_add_up"
        ),
        known_values("status", RefundStatus),
        CheckConstraint("(status = 'PENDING') = (settled_at IS NULL)", name="settled_has_time"),
        known_values("destination", RefundDestination),
        CheckConstraint(
            "(settled_by IS NULL) = (settlement_reason IS NULL)", name="settlement_has_reason"
        ),
        CheckConstraint(
            "destination <> 'EXTERNAL' OR settled_by IS NOT NULL", name="external_is_settled"
        ),
        Index("ix_refunds_order", "order_id", "id"),
        Index("ix_refunds_merchant", "merchant_id", "id"),
        Index("ix_refunds_due", "next_attempt_at", postgresql_where=text("status = 'PENDING'")),
        # For administrators.
        Index(
            "ix_refunds_refused",
            "id",
            postgresql_where=text("status = 'PENDING' AND failure_reason IS NOT NULL"),
        ),
        key_index("uq_refunds_key", "initiator_id"),
        mutable(
            "restored_units",
            "destination",
            "status",
            "failure_reason",
            "settled_at",
            "settled_by",
            "settlement_reason",
            "attempts",
            "next_attempt_at",
            "flagged_at",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=ATTEMPT_ID)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    initiator_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    fee: Mapped[int]
    units: Mapped[int]
    restored_units: Mapped[int]
    reason: Mapped[str | None]
    destination: Mapped[str]
    status: Mapped[str]
    failure_reason: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    settlement_reason: Mapped[str | None]


#: A new refund.
RefundRow: Final = row_class(Refund)


class RefundRequestStatus(StrEnum):
    OPEN = "OPEN"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"


class RefundRequest(Identified, Created, Base):
    """A buyer's request for a refund, and the merchant's answer.

    amount, units: the requested part; both None for the whole order.
    """

    __tablename__ = "refund_requests"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("amount IS NULL OR units IS NULL", name="amount_or_units"),
        known_values("status", RefundRequestStatus),
        CheckConstraint("(status = 'OPEN') = (decided_at IS NULL)", name="decided_has_time"),
        CheckConstraint(
            "(status = 'APPROVED') = (refund_id IS NOT NULL)", name="approved_has_refund"
        ),
        Index(
            "uq_refund_requests_open",
            "order_id",
            unique=True,
            postgresql_where=text("status = 'OPEN'"),
        ),
        Index("ix_refund_requests_buyer", "user_id", "id"),
        Index("ix_refund_requests_merchant", "merchant_id", "id"),
        Index("ix_refund_requests_buyer_status", "user_id", "status", "id"),
        Index("ix_refund_requests_merchant_status", "merchant_id", "status", "id"),
        Index("ix_refund_requests_order", "order_id", "id"),
        mutable("answer", "status", "refund_id", "decided_at"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int | None]
    units: Mapped[int | None]
    currency: Mapped[str]
    reason: Mapped[str]
    answer: Mapped[str | None]
    status: Mapped[str]
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("refunds.id"))
    decided_at: Mapped[datetime | None]
