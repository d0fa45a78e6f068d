"""Record the runs of `verify`, so that a run can continue the one before it."""

import sqlalchemy as sa
from alembic import op

revision = "0021_verifications"
down_revision = "0020_refund_requests"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "verifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("violated", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "finished_at >= started_at", name=op.f("ck_verifications_finished_later")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
    )
    op.execute("""
        CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON verifications
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)


def downgrade() -> None:
    op.drop_table("verifications")
