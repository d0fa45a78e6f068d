"""Sum the sales of each day, for summaries of long periods."""

import sqlalchemy as sa
from alembic import op

revision = "0036_daily_sums"
down_revision = "0035_search"

_COUNTS = (
    "orders",
    "units",
    "discounts",
    "revenue",
    "fees",
    "refunds",
    "fee_refunds",
    "refunded_units",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "summed_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("summed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_summed_days")),
    )
    op.create_table(
        "daily_sales",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint(
            "merchant_id", "currency", "day", "product_id", name=op.f("pk_daily_sales")
        ),
    )
    op.create_table(
        "buyer_days",
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint(
            "scope_id", "currency", "buyer_id", "day", name=op.f("pk_buyer_days")
        ),
    )
    op.create_table(
        "daily_buyers",
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("previous_day", sa.Date(), nullable=False),
        sa.Column("buyers", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "scope_id", "currency", "day", "previous_day", name=op.f("pk_daily_buyers")
        ),
    )
    op.create_index(
        "ix_orders_gateway_completed",
        "orders",
        ["completed_at"],
        postgresql_where=sa.text("payment_method = 'GATEWAY' AND completed_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_orders_gateway_completed", table_name="orders")
    for table in ("daily_buyers", "buyer_days", "daily_sales", "summed_days"):
        op.drop_table(table)
