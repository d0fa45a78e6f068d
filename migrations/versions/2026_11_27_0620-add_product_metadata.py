"""Give products metadata, and find orders that are refunded in part.

The index is created concurrently, so that purchases do not wait for it. If that was interrupted, run
the migration again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0050_product_metadata"
down_revision = "0049_quarter_hours"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_orders_partly_refunded")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_orders_partly_refunded ON orders (merchant_id, id)"
            " WHERE status = 'COMPLETED' AND refunded_amount + refunded_units > 0"
        )
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("products", sa.Column("metadata", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("products", "metadata")
    op.drop_index("ix_orders_partly_refunded", table_name="orders")
