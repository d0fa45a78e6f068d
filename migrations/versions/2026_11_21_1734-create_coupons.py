"""Coupons and their uses."""

from alembic import op

revision = "0014_coupons"
down_revision = "0013_product_files"


def upgrade() -> None:
    op.execute("SELECT 1")


def downgrade() -> None:
    op.execute("SELECT 1")
