"""Transfers of money between users."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.bulk import row_class
from app.common.columns import Created, Identified, Monetary, mutable
from app.common.db import Base


class Purpose(StrEnum):
    """What a transfer can pay."""

    PAYMENT_REQUEST = "payment_request"
    MERCHANT_CODE = "merchant_code"


class Transfer(Identified, Created, Monetary, Base):
    """Append-only. amount: minor units; reference: what it pays, if anything."""

    __tablename__ = "transfers"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("sender_id <> receiver_id", name="not_to_oneself"),
        CheckConstraint(
            "(reference_type IS NULL) = (reference_id IS NULL)"
            " AND reference_type IN ('payment_request', 'merchant_code')",
            name="reference_known",
        ),
        Index("ix_transfers_sender", "sender_id", "id"),
        Index("ix_transfers_receiver", "receiver_id", "id"),
        # A payment request can be paid only once.
        Index(
            "uq_transfers_payment_request",
            "reference_id",
            unique=True,
            postgresql_where=text("reference_type = 'payment_request'"),
        ),
        {"info": {"append_only": True}},
    )

    sender_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    receiver_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str | None]
    reference_type: Mapped[str | None]
    reference_id: Mapped[UUID | None]


class ReceiptAddress(Base):
    """How often the address of a transfer's receipt was revoked; without a row, never."""

    __tablename__ = "receipt_addresses"
    __table_args__ = (CheckConstraint("serial > 0", name="serial_positive"), mutable("serial"))

    transfer_id: Mapped[UUID] = mapped_column(ForeignKey("transfers.id"), primary_key=True)
    serial: Mapped[int]


#: A new transfer.
TransferRow = row_class(Transfer)
