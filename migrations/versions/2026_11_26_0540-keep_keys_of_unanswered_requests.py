"""Store the Idempotency-Key of a request that has not been answered yet, or that moves no money.

`downgrade` deletes such keys: the older version stores none of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025_unanswered_keys"
down_revision = "0024_settle_refunds"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column("idempotency_keys", "status", nullable=True)
    op.add_column(
        "idempotency_keys",
        sa.Column("moves_money", sa.Boolean(), nullable=False, server_default=sa.true()),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM idempotency_keys WHERE status IS NULL OR NOT moves_money")
    op.drop_column("idempotency_keys", "moves_money")
    op.alter_column("idempotency_keys", "status", nullable=False)
