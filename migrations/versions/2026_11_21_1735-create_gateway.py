"""Checkout sessions of the payment gateway."""

from alembic import op

revision = "0015_gateway"
down_revision = "0014_coupons"


def upgrade() -> None:
    op.execute("SELECT 1")


def downgrade() -> None:
    op.execute("SELECT 1")
