"""Licences, the terms on which they are sold, and their activations."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, mutable
from app.common.db import Base
from app.delivery.columns import revocation_constraints

MAX_ACTIVATIONS: Final = 1_000_000
MAX_DAYS: Final = 36_500


class LicenceStatus(StrEnum):
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class LicenceTerms(Base):
    """The terms for licences of a product, if its merchant has set them.

    activation_limit: None for no limit. activations_per_30_days: maximum number of activations of a
    licence in any 30 days; None for no limit. valid_days: from the sale; None for no expiry.

    Applying them to sold licences: applying_after is the id of the last licence that the job has
    looked at, None when there is nothing to do; applied: licences changed so far by the last
    application; applied_at: its last step.
    """

    __tablename__ = "licence_terms"
    __table_args__ = (
        CheckConstraint(
            f"activation_limit BETWEEN 1 AND {MAX_ACTIVATIONS}", name="activation_limit_within"
        ),
        CheckConstraint(
            f"activations_per_30_days BETWEEN 1 AND {MAX_ACTIVATIONS}",
            name="activations_per_30_days_within",
        ),
        CheckConstraint(f"valid_days BETWEEN 1 AND {MAX_DAYS}", name="valid_days_within"),
        CheckConstraint(
            "applying_after IS NULL OR applied_at IS NOT NULL", name="applying_has_time"
        ),
        Index(
            "ix_licence_terms_applying",
            "applied_at",
            postgresql_where=text("applying_after IS NOT NULL"),
        ),
        mutable(
            "activation_limit",
            "activations_per_30_days",
            "valid_days",
            "updated_at",
            "applying_after",
            "applied",
            "applied_at",
        ),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), primary_key=True)
    activation_limit: Mapped[int | None]
    activations_per_30_days: Mapped[int | None]
    valid_days: Mapped[int | None]
    updated_at: Mapped[datetime]
    applying_after: Mapped[UUID | None]
    applied: Mapped[int] = mapped_column(server_default="0")
    applied_at: Mapped[datetime | None]

    @property
    def is_applying(self) -> bool:
        """Whether a job is still to apply the terms to sold licences."""
        return self.applying_after is not None


class Licence(Identified, Created, Base):
    """A sold licence.

    fingerprint: of its key, to find it. encrypted: the encrypted key. activations: number of
    machines on which it is active. limit_reached_at: when the merchant was last told that there
    can be no more of them. created_at: when it was sold; a licence that replaces another one has
    that of the other.

    revocation_reason: the merchant's; None if a refund revoked it. is_withdrawn: revoked by the
    merchant and neither refunded nor replaced, so that the buyer has paid for nothing. replaced_by:
    the licence that the buyer has instead.
    """

    __tablename__ = "licences"
    __table_args__ = (
        CheckConstraint(
            "activations >= 0 AND (activation_limit IS NULL OR activations <= activation_limit)",
            name="activations_within_limit",
        ),
        CheckConstraint("expires_at > created_at", name="expires_later"),
        *revocation_constraints(),
        Index("ix_licences_order", "order_id", "id"),
        Index("ix_licences_product", "product_id", "id"),
        Index(
            "ix_licences_revoked",
            "product_id",
            "id",
            postgresql_where=text("revoked_at IS NOT NULL"),
        ),
        mutable(
            "activation_limit",
            "activations_per_30_days",
            "activations",
            "limit_reached_at",
            "expires_at",
            "revoked_at",
            "revocation_reason",
            "is_withdrawn",
            "replaced_by",
        ),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    fingerprint: Mapped[bytes] = mapped_column(unique=True)
    encrypted: Mapped[bytes] = mapped_column("sealed")
    activation_limit: Mapped[int | None]
    activations_per_30_days: Mapped[int | None]
    activations: Mapped[int] = mapped_column(server_default="0")
    limit_reached_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revocation_reason: Mapped[str | None]
    is_withdrawn: Mapped[bool] = mapped_column(server_default="false")
    replaced_by: Mapped[UUID | None] = mapped_column(ForeignKey("licences.id"))


class LicenceActivation(Identified, Base):
    """An activation on a machine, current or past.

    instance: the machine's id. seen_at: when the application there last showed its key, to the
    hour. is_counted: whether it counts towards activations_per_30_days.
    """

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
        Index("ix_licence_activations_licence", "licence_id", "id"),
        mutable("seen_at", "deactivated_at", "is_counted"),
    )

    licence_id: Mapped[UUID] = mapped_column(ForeignKey("licences.id"))
    instance: Mapped[str]
    label: Mapped[str | None]
    activated_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    deactivated_at: Mapped[datetime | None]
    is_counted: Mapped[bool] = mapped_column(server_default="true")
