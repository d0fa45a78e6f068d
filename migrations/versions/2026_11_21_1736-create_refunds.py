"""Refunds, and requests for them."""

from alembic import op

revision = "0016_refunds"
down_revision = "0015_gateway"


def upgrade() -> None:
    op.execute("SELECT 1")


def downgrade() -> None:
    op.execute("SELECT 1")
