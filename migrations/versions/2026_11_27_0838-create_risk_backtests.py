"""Create backtests of risk rules."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0062_risk_backtests"
down_revision = "0061_receipt_addresses"


def upgrade() -> None:
    op.create_table(
        "risk_backtests",
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ruleset", sa.BigInteger(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("after_id", sa.Uuid(), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "\"status\" IN ('RUNNING', 'COMPLETED') AND (status = 'RUNNING') = (finished_at IS NULL)",
            name=op.f("ck_risk_backtests_status_known"),
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_risk_backtests_period_has_length")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_risk_backtests_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_backtests")),
    )
    op.create_index(
        "ix_risk_backtests_running",
        "risk_backtests",
        ["id"],
        postgresql_where=sa.text("status = 'RUNNING'"),
    )


def downgrade() -> None:
    op.drop_table("risk_backtests")
