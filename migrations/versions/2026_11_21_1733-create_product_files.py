"""Files that are sold, and their downloads."""

from alembic import op

revision = "0013_product_files"
down_revision = "0012_licences"


def upgrade() -> None:
    op.execute("SELECT 1")


def downgrade() -> None:
    op.execute("SELECT 1")
