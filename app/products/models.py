"""Products, and changes of their stock."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, Timestamped, known_values, mutable
from app.common.db import Base


class ProductKind(StrEnum):
    """What the buyer gets. Each kind has a handler in app.delivery (see CONTRIBUTING.md)."""

    PLAIN = "PLAIN"
    CODES = "CODES"
    LICENCE = "LICENCE"
    FILE = "FILE"

    @property
    def has_uploaded_stock(self) -> bool:
        """Whether the stock is the number of uploaded items, so that it cannot be set."""
        return self is ProductKind.CODES

    @property
    def is_ready_when_created(self) -> bool:
        """Whether a new product can be sold before anything was uploaded."""
        return self is not ProductKind.FILE


class Availability(StrEnum):
    """Whether buyers can buy a product that is not deleted, and what prevents it."""

    ON_SALE = "ON_SALE"
    SOLD_OUT = "SOLD_OUT"
    NOT_READY = "NOT_READY"
    INACTIVE = "INACTIVE"


class Product(Identified, Timestamped, Base):
    """A product of a merchant.

    is_ready: whether there is something to deliver; if not, it is not on sale. purchase_limit:
    maximum units per buyer; None for no limit. reservation_limit: maximum units that a buyer may
    have reserved with unpaid orders; None for the default. category_id: of a category that may have
    been deleted.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("price > 0", name="price_positive"),
        CheckConstraint("available_units >= 0", name="stock_not_negative"),
        CheckConstraint("initial_units >= 0", name="initial_not_negative"),
        known_values("kind", ProductKind),
        CheckConstraint("purchase_limit > 0", name="purchase_limit_positive"),
        CheckConstraint("reservation_limit > 0", name="reservation_limit_positive"),
        CheckConstraint("deleted_at IS NULL OR NOT is_active", name="deleted_is_inactive"),
        # Ids are in the order of creation, so this serves "newest first". Without the stock,
        # because an indexed column would cost every purchase an index write.
        Index(
            "ix_products_on_sale",
            "id",
            postgresql_where=text("is_active AND deleted_at IS NULL"),
        ),
        # The other orders of the catalogue; that by price also finds a range of prices.
        Index(
            "ix_products_on_sale_price",
            "price",
            "id",
            postgresql_where=text("is_active AND deleted_at IS NULL"),
        ),
        Index(
            "ix_products_on_sale_name",
            "name",
            "id",
            postgresql_where=text("is_active AND deleted_at IS NULL"),
        ),
        Index(
            "ix_products_search",
            "searched",
            postgresql_using="gin",
            postgresql_ops={"searched": "gin_trgm_ops"},
            postgresql_where=text("is_active AND deleted_at IS NULL"),
        ),
        Index("ix_products_merchant", "merchant_id", "id"),
        Index("ix_products_merchant_name", "merchant_id", "name", "id"),
        Index("ix_products_merchant_price", "merchant_id", "price", "id"),
        # For quotas. Without the stock, as above.
        Index("ix_products_kept", "merchant_id", postgresql_where=text("deleted_at IS NULL")),
        Index("ix_products_codes", "merchant_id", postgresql_where=text("kind = 'CODES'")),
        Index("ix_products_files", "merchant_id", postgresql_where=text("kind = 'FILE'")),
        # The catalogue of one category, in the same orders.
        Index(
            "ix_products_category",
            "category_id",
            "id",
            postgresql_where=text("category_id IS NOT NULL AND is_active AND deleted_at IS NULL"),
        ),
        Index(
            "ix_products_category_price",
            "category_id",
            "price",
            "id",
            postgresql_where=text("category_id IS NOT NULL AND is_active AND deleted_at IS NULL"),
        ),
        Index(
            "ix_products_category_name",
            "category_id",
            "name",
            "id",
            postgresql_where=text("category_id IS NOT NULL AND is_active AND deleted_at IS NULL"),
        ),
        # Their unsold codes are to be deleted.
        Index(
            "ix_products_deleted_codes",
            "id",
            postgresql_where=text("kind = 'CODES' AND deleted_at IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": "50"}}
        | mutable(
            "name",
            "description",
            "price",
            "available_units",
            "is_active",
            "is_ready",
            "purchase_limit",
            "reservation_limit",
            "category_id",
            "metadata",
            "deleted_at",
            "updated_at",
        ),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    description: Mapped[str | None]
    price: Mapped[int]
    currency: Mapped[str]
    available_units: Mapped[int]
    initial_units: Mapped[int]
    is_active: Mapped[bool]
    kind: Mapped[str] = mapped_column(server_default="PLAIN")
    is_ready: Mapped[bool] = mapped_column(server_default="true")
    purchase_limit: Mapped[int | None]
    reservation_limit: Mapped[int | None]
    category_id: Mapped[UUID | None] = mapped_column(ForeignKey("categories.id"))
    #: The merchant's own, which nobody else sees.
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSONB(none_as_null=True))
    deleted_at: Mapped[datetime | None]
    #: What a search looks at: name and description, without accents and case.
    searched: Mapped[str] = mapped_column(
        Computed("search_text(name, description)", persisted=True), deferred=True
    )


class Restock(Identified, Created, Base):
    """A change of the stock by the merchant. delta: added units, negative if removed."""

    __tablename__ = "restocks"
    __table_args__ = (
        CheckConstraint("delta <> 0", name="delta_not_zero"),
        {"info": {"append_only": True}},
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"), index=True)
    actor_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    delta: Mapped[int]
