"""Licence keys and where they are used."""

from alembic import op

revision = "0012_licences"
down_revision = "0011_product_codes"


def upgrade() -> None:
    op.execute("SELECT 1")


def downgrade() -> None:
    op.execute("SELECT 1")
