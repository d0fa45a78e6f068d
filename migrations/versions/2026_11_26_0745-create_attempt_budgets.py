"""Create the budgets of attempts at guessing a secret."""

import sqlalchemy as sa
from alembic import op

revision = "0030_attempt_budgets"
down_revision = "0029_posted_balances"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "attempt_budgets",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", name="pk_attempt_budgets"),
    )
    op.create_index("ix_attempt_budgets_full_at", "attempt_budgets", ["full_at"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("attempt_budgets")
