"""Index refund requests by order.

The index is created concurrently: nothing waits. A migration that was interrupted can be run again.
"""

from alembic import op

revision = "0067_refund_requests"
down_revision = "0066_refused_refunds"

INDEX = "ix_refund_requests_order"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON refund_requests (order_id, id)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"DROP INDEX {INDEX}")
