"""Download links that can be revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0060_link_serial"
down_revision = "0059_insights"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "file_deliveries",
        sa.Column("link_serial", sa.BigInteger(), server_default="0", nullable=False),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("file_deliveries", "link_serial")
