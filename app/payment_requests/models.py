"""Payment requests, which are paid once, and merchant codes, which are paid many times."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.bulk import row_class
from app.common.columns import Created, Identified, Timestamped, known_values, mutable
from app.common.db import Base


class RequestStatus(StrEnum):
    OPEN = "OPEN"
    PAID = "PAID"
    DECLINED = "DECLINED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class PaymentRequest(Identified, Created, Base):
    """A request for money. A trigger keeps a closed one from changing.

    amount: minor units, None until the payer has chosen it; payer_id: None if anyone may pay;
    token: the secret in the link.
    """

    __tablename__ = "payment_requests"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("requester_id <> payer_id", name="not_of_oneself"),
        CheckConstraint("expires_at > created_at", name="expires_later"),
        known_values("status", RequestStatus, also="(status = 'OPEN') = (closed_at IS NULL)"),
        CheckConstraint(
            "(status = 'PAID') = (transfer_id IS NOT NULL)"
            " AND (status <> 'PAID' OR (amount IS NOT NULL AND closed_at < expires_at))",
            name="paid_by_transfer",
        ),
        Index("ix_payment_requests_requester", "requester_id", "id"),
        Index("ix_payment_requests_payer", "payer_id", "id"),
        Index("ix_payment_requests_open", "requester_id", postgresql_where=text("status = 'OPEN'")),
        Index(
            "ix_payment_requests_expiring",
            "expires_at",
            postgresql_where=text("status = 'OPEN'"),
        ),
        mutable("amount", "status", "transfer_id", "closed_at"),
    )

    token: Mapped[str] = mapped_column(unique=True)
    requester_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    payer_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int | None]
    currency: Mapped[str]
    note: Mapped[str | None]
    status: Mapped[str]
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey("transfers.id"), unique=True)
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


#: A request as a movement changes it in memory.
PaymentRequestRow = row_class(PaymentRequest)


class MerchantCode(Identified, Timestamped, Base):
    """A printed code of a merchant that many customers pay with.

    product_id: the product that is bought; amount: minor units, None if the payer chooses.
    """

    __tablename__ = "merchant_codes"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("product_id IS NULL OR amount IS NULL", name="product_has_price"),
        Index("ix_merchant_codes_merchant", "merchant_id", "id"),
        Index("ix_merchant_codes_active", "merchant_id", postgresql_where=text("is_active")),
        mutable("is_active", "updated_at"),
    )

    token: Mapped[str] = mapped_column(unique=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    product_id: Mapped[UUID | None] = mapped_column(ForeignKey("products.id"))
    amount: Mapped[int | None]
    currency: Mapped[str]
    label: Mapped[str | None]
    is_active: Mapped[bool]
