"""Find on-ramps and payouts by the bank's own reference, as reconciliation does."""

import sqlalchemy as sa
from alembic import op

revision = "0038_bank_references"
down_revision = "0037_file_reviews"

_TABLES = ("onramps", "payouts")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in _TABLES:
        op.create_index(
            f"ix_{table}_bank_reference",
            table,
            ["provider", "bank_reference"],
            postgresql_where=sa.text("bank_reference IS NOT NULL"),
        )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_index(f"ix_{table}_bank_reference", table_name=table)
