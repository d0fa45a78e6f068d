"""API keys of merchants' servers."""

from alembic import op

revision = "0017_api_keys"
down_revision = "0016_refunds"


def upgrade() -> None:
    op.execute("SELECT 1")


def downgrade() -> None:
    op.execute("SELECT 1")
