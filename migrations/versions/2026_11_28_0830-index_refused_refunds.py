"""An index of refunds that the payment provider refuses."""

import sqlalchemy as sa
from alembic import op

revision = "0066_refused_refunds"
down_revision = "0065_webhook_deliveries"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_refunds_refused",
        "refunds",
        ["id"],
        postgresql_where=sa.text("status = 'PENDING' AND failure_reason IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_refunds_refused", table_name="refunds")
