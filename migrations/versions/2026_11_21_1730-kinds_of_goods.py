"""What products are, what one buyer may have of them, and what merchants pay for selling."""

import sqlalchemy as sa
from alembic import op

revision = "0010_kinds_of_goods"
down_revision = "0009_limit_every_currency"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "products", sa.Column("kind", sa.String(), nullable=False, server_default="PLAIN")
    )
    op.add_column(
        "products", sa.Column("is_ready", sa.Boolean(), nullable=False, server_default="true")
    )
    op.add_column("products", sa.Column("purchase_limit", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_products_kind_known"), "products", "kind IN ('PLAIN', 'CODES', 'LICENCE', 'FILE')"
    )
    op.create_check_constraint(
        op.f("ck_products_purchase_limit_positive"), "products", "purchase_limit > 0"
    )
    op.drop_index("ix_orders_product", "orders")
    op.create_index("ix_orders_product", "orders", ["product_id", "user_id"])
    op.add_column("users", sa.Column("fee_bps", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_users_fee_bps_within"), "users", "fee_bps BETWEEN 0 AND 10000"
    )


def downgrade() -> None:
    op.drop_index("ix_orders_product", "orders")
    op.create_index("ix_orders_product", "orders", ["product_id"])
    op.drop_column("users", "fee_bps")
    for column in ("purchase_limit", "is_ready", "kind"):
        op.drop_column("products", column)
