"""What merchants look their sales up by, and whose money a refund was."""

import sqlalchemy as sa
from alembic import op

revision = "0018_index_sales"
down_revision = "0017_api_keys"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_orders_product", "orders")
    op.create_index("ix_orders_cap", "orders", ["user_id", "product_id"])
    op.create_index("ix_orders_product", "orders", ["product_id", "id"])
    op.create_index(
        "ix_orders_unusual",
        "orders",
        ["merchant_id", "status", "id"],
        postgresql_where=sa.text("status <> 'COMPLETED'"),
    )
    op.create_index(
        "ix_orders_gateway",
        "orders",
        ["merchant_id", "completed_at"],
        postgresql_where=sa.text("payment_method = 'GATEWAY' AND completed_at IS NOT NULL"),
    )
    name_merchants()


def name_merchants() -> None:
    op.add_column("refunds", sa.Column("merchant_id", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE refunds r SET merchant_id = o.merchant_id FROM orders o WHERE o.id = r.order_id"
    )
    op.alter_column("refunds", "merchant_id", nullable=False)
    op.create_foreign_key("fk_refunds_merchant_id", "refunds", "users", ["merchant_id"], ["id"])
    op.create_index("ix_refunds_merchant", "refunds", ["merchant_id", "id"])


def downgrade() -> None:
    op.drop_column("refunds", "merchant_id")
    for index in ("ix_orders_gateway", "ix_orders_unusual", "ix_orders_product", "ix_orders_cap"):
        op.drop_index(index, "orders")
    op.create_index("ix_orders_product", "orders", ["product_id", "user_id"])
