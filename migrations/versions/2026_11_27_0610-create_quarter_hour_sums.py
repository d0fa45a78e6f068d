"""Sum the sales of each quarter of an hour, for summaries with the days of any time zone.

The job sums the days that were summed before once more; until then summaries read their orders.
"""

import sqlalchemy as sa
from alembic import op

revision = "0049_quarter_hours"
down_revision = "0048_order_page_addresses"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "summed_days", sa.Column("quarters_summed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_summed_days_without_quarters",
        "summed_days",
        ["day"],
        postgresql_where=sa.text("quarters_summed_at IS NULL"),
    )
    op.create_table(
        "quarter_hour_sales",
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("orders", "units", "revenue", "refunds", "net")
        ),
        sa.PrimaryKeyConstraint(
            "scope_id", "currency", "starts_at", name=op.f("pk_quarter_hour_sales")
        ),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("quarter_hour_sales")
    op.drop_index("ix_summed_days_without_quarters", table_name="summed_days")
    op.drop_column("summed_days", "quarters_summed_at")
