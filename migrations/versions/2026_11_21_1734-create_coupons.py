"""Coupons and their uses, and orders that cost less because of them."""

import sqlalchemy as sa
from alembic import op

revision = "0014_coupons"
down_revision = "0013_product_files"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_coupons()
    op.add_column(
        "orders", sa.Column("discount", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("orders", sa.Column("coupon_id", sa.Uuid(), nullable=True))
    op.add_column("orders", sa.Column("coupon_code", sa.String(), nullable=True))
    op.create_foreign_key("fk_orders_coupon_id", "orders", "coupons", ["coupon_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_orders_coupon_has_code"), "orders", "(coupon_id IS NULL) = (coupon_code IS NULL)"
    )
    op.drop_constraint(op.f("ck_orders_amount_is_price_times_quantity"), "orders")
    op.create_check_constraint(
        op.f("ck_orders_amount_adds_up"),
        "orders",
        "amount = unit_price * quantity - discount AND discount >= 0 AND amount >= 0",
    )
    create_uses()


def create_coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_uses", sa.BigInteger(), nullable=True),
        sa.Column("max_uses_per_user", sa.BigInteger(), nullable=True),
        sa.Column("uses", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('PERCENT', 'FIXED')", name=op.f("ck_coupons_kind_known")),
        sa.CheckConstraint(
            "value > 0 AND (kind = 'FIXED' OR value <= 10000)",
            name=op.f("ck_coupons_value_positive"),
        ),
        sa.CheckConstraint(
            "code ~ '^[A-Z0-9][A-Z0-9_-]{2,39}$'", name=op.f("ck_coupons_code_canonical")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_coupons_ends_after_start")),
        sa.CheckConstraint(
            "max_uses > 0 AND max_uses_per_user > 0", name=op.f("ck_coupons_caps_positive")
        ),
        sa.CheckConstraint(
            "uses >= 0 AND (max_uses IS NULL OR uses <= max_uses)",
            name=op.f("ck_coupons_uses_in_cap"),
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["users.id"], name="fk_coupons_merchant_id"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_coupons_product_id"),
        sa.PrimaryKeyConstraint("id", name="pk_coupons"),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index(
        "uq_coupons_code",
        "coupons",
        ["merchant_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("ix_coupons_merchant", "coupons", ["merchant_id", "id"])


def create_uses() -> None:
    op.create_table(
        "coupon_uses",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("discount >= 0", name=op.f("ck_coupon_uses_discount_not_negative")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_coupon_uses_order_id"),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name="fk_coupon_uses_coupon_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_coupon_uses_user_id"),
        sa.PrimaryKeyConstraint("order_id", name="pk_coupon_uses"),
    )
    op.create_index(
        "ix_coupon_uses_user",
        "coupon_uses",
        ["coupon_id", "user_id"],
        postgresql_where=sa.text("released_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("coupon_uses")
    op.drop_constraint(op.f("ck_orders_amount_adds_up"), "orders")
    op.drop_constraint(op.f("ck_orders_coupon_has_code"), "orders")
    op.create_check_constraint(
        op.f("ck_orders_amount_is_price_times_quantity"), "orders", "amount = unit_price * quantity"
    )
    for column in ("coupon_code", "coupon_id", "discount"):
        op.drop_column("orders", column)
    op.drop_table("coupons")
