"""Index webhook deliveries by the object whose events they report.

The index is created concurrently: nothing waits. A migration that was interrupted can be run again.
"""

from alembic import op

revision = "0065_webhook_deliveries"
down_revision = "0064_trace_context"

INDEX = "ix_webhook_deliveries_aggregate"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {INDEX} ON webhook_deliveries (endpoint_id, aggregate_id, id)"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"DROP INDEX {INDEX}")
