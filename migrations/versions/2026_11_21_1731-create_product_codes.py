"""Codes that are sold one by one."""

from alembic import op

revision = "0011_product_codes"
down_revision = "0010_kinds_of_goods"


def upgrade() -> None:
    op.execute("SELECT 1")


def downgrade() -> None:
    op.execute("SELECT 1")
