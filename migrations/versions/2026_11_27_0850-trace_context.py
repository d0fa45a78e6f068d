"""The trace of the request that an event comes from."""

import sqlalchemy as sa
from alembic import op

revision = "0064_trace_context"
down_revision = "0063_risk_models"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("outbox_events", sa.Column("trace_context", sa.String(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("outbox_events", "trace_context")
