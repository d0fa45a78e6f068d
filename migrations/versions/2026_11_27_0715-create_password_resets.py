"""Requests for a new password."""

import sqlalchemy as sa
from alembic import op

revision = "0053_password_resets"
down_revision = "0052_notifications"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "password_resets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email_key", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_password_resets_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_password_resets"),
    )
    op.create_index(
        "ix_password_resets_requested",
        "password_resets",
        ["id"],
        postgresql_where=sa.text("processed_at IS NULL"),
    )
    op.create_index("ix_password_resets_user", "password_resets", ["user_id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("password_resets")
