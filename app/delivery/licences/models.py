"""Licences, the terms on which they are sold, and their activations."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, mutable
from app.common.db import Base

MAX_ACTIVATIONS: Final = 1_000_000
MAX_DAYS: Final = 36_500


class LicenceStatus(StrEnum):
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class LicenceTerms(Base):
    """The terms for licences of a product, if its merchant has set them.

    activation_limit: None for no limit. valid_days: from the sale; None for no expiry.
    """

    __tablename__ = "licence_terms"
    __table_args__ = (
        CheckConstraint(
            f"activation_limit BETWEEN 1 AND {MAX_ACTIVATIONS}", name="activation_limit_within"
        ),
        CheckConstraint(f"valid_days BETWEEN 1 AND {MAX_DAYS}", name="valid_days_within"),
        mutable("activation_limit", "valid_days", "updated_at"),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), primary_key=True)
    activation_limit: Mapped[int | None]
    valid_days: Mapped[int | None]
    updated_at: Mapped[datetime]


class Licence(Identified, Created, Base):
    """A sold licence.

    fingerprint: of its key, to find it. encrypted: the encrypted key. activations: number of
    machines on which it is active.
    """

    __tablename__ = "licences"
    __table_args__ = (
        CheckConstraint(
            "activations >= 0 AND (activation_limit IS NULL OR activations <= activation_limit)",
            name="activations_within_limit",
        ),
        CheckConstraint("expires_at > created_at", name="expires_later"),
        Index("ix_licences_order", "order_id", "id"),
        Index("ix_licences_product", "product_id", "id"),
        mutable("activations", "revoked_at"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    fingerprint: Mapped[bytes] = mapped_column(unique=True)
    encrypted: Mapped[bytes] = mapped_column("sealed")
    activation_limit: Mapped[int | None]
    activations: Mapped[int] = mapped_column(server_default="0")
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LicenceActivation(Identified, Base):
    """An activation on a machine, current or past. instance: the machine's id."""

    __tablename__ = "licence_activations"
    __table_args__ = (
        CheckConstraint("deactivated_at >= activated_at", name="ends_later"),
        Index(
            "uq_licence_activations_active",
            "licence_id",
            "instance",
            unique=True,
            postgresql_where=text("deactivated_at IS NULL"),
        ),
        mutable("deactivated_at"),
    )

    licence_id: Mapped[UUID] = mapped_column(ForeignKey("licences.id"))
    instance: Mapped[str]
    label: Mapped[str | None]
    activated_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]
