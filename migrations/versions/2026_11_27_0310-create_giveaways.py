"""Create giveaways, whose orders cost nothing and may have the merchant as buyer."""

import sqlalchemy as sa
from alembic import op

revision = "0044_giveaways"
down_revision = "0043_licence_management"

_OWN = "user_id <> merchant_id"
_OF_GIVEAWAY = sa.text("giveaway_id IS NOT NULL")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_giveaways()
    op.add_column("orders", sa.Column("giveaway_id", sa.Uuid()))
    op.create_foreign_key("fk_orders_giveaway_id", "orders", "giveaways", ["giveaway_id"], ["id"])
    op.drop_constraint(op.f("ck_orders_not_own_product"), "orders")
    op.create_check_constraint(
        op.f("ck_orders_not_own_product"), "orders", f"{_OWN} OR giveaway_id IS NOT NULL"
    )
    op.create_check_constraint(
        op.f("ck_orders_giveaway_is_free"), "orders", "giveaway_id IS NULL OR amount = 0"
    )
    op.create_index(
        "uq_orders_giveaway_user",
        "orders",
        ["giveaway_id", "user_id"],
        unique=True,
        postgresql_where=_OF_GIVEAWAY,
    )
    op.create_index(
        "ix_orders_giveaway", "orders", ["giveaway_id", "id"], postgresql_where=_OF_GIVEAWAY
    )


def create_giveaways() -> None:
    op.create_table(
        "giveaways",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("max_units", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("\"kind\" IN ('BATCH', 'LINK')", name=op.f("ck_giveaways_kind_known")),
        sa.CheckConstraint(
            "max_units > 0 AND units BETWEEN 0 AND max_units",
            name=op.f("ck_giveaways_units_within"),
        ),
        sa.CheckConstraint(
            "(kind = 'LINK') = (token IS NOT NULL)", name=op.f("ck_giveaways_link_has_token")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["users.id"], name="fk_giveaways_merchant_id"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_giveaways_product_id"),
        sa.PrimaryKeyConstraint("id", name="pk_giveaways"),
        sa.UniqueConstraint("token", name="uq_giveaways_token"),
    )
    op.create_index("ix_giveaways_merchant", "giveaways", ["merchant_id", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint(op.f("ck_orders_not_own_product"), "orders")
    # Batches stay, as orders of the merchant's own product.
    op.execute(
        f"ALTER TABLE orders ADD CONSTRAINT ck_orders_not_own_product CHECK ({_OWN}) NOT VALID"
    )
    op.drop_column("orders", "giveaway_id")
    op.drop_table("giveaways")
