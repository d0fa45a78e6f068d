"""Indexes by which old sessions and idempotency keys are found, and keys without a response."""

import sqlalchemy as sa
from alembic import op

revision = "0022_retention"
down_revision = "0021_verifications"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column("idempotency_keys", "body", nullable=True)
    op.create_index(
        "ix_idempotency_keys_responses",
        "idempotency_keys",
        ["created_at"],
        postgresql_where=sa.text("body IS NOT NULL"),
    )
    op.create_index(
        "ix_idempotency_keys_keys",
        "idempotency_keys",
        ["created_at"],
        postgresql_where=sa.text("body IS NULL"),
    )
    op.drop_index("ix_idempotency_keys_created_at", "idempotency_keys")
    op.create_index(
        "ix_login_sessions_expired",
        "login_sessions",
        ["expires_at"],
        postgresql_where=sa.text("kind = 'LOGIN'"),
    )


def downgrade() -> None:
    """Keys without a response are deleted: the older version could not answer them."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_login_sessions_expired", "login_sessions")
    op.execute("DELETE FROM idempotency_keys WHERE body IS NULL")
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.drop_index("ix_idempotency_keys_keys", "idempotency_keys")
    op.drop_index("ix_idempotency_keys_responses", "idempotency_keys")
    op.alter_column("idempotency_keys", "body", nullable=False)
