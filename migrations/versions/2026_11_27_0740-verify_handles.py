"""Verification of email addresses and phone numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0056_verified_handles"
down_revision = "0055_kafka_consumed"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("email_verified_at", "phone_verified_at"):
        op.add_column("users", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_users_verified_is_there"),
        "users",
        "(email IS NOT NULL OR email_verified_at IS NULL)"
        " AND (phone IS NOT NULL OR phone_verified_at IS NULL)",
    )
    op.drop_constraint(op.f("ck_users_can_sign_in"), "users")
    op.create_table(
        "handle_verifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "\"purpose\" IN ('EMAIL', 'EMAIL_CHANGE', 'EMAIL_RESTORE', 'EMAIL_REPLACED', 'PHONE')",
            name=op.f("ck_handle_verifications_purpose_known"),
        ),
        sa.CheckConstraint(
            "attempts BETWEEN 0 AND 5", name=op.f("ck_handle_verifications_attempts_within")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_handle_verifications_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handle_verifications")),
    )
    op.create_index(
        "ix_handle_verifications_requested",
        "handle_verifications",
        ["id"],
        postgresql_where=sa.text("processed_at IS NULL"),
    )
    op.create_index("ix_handle_verifications_user", "handle_verifications", ["user_id", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("handle_verifications")
    # Accounts that have lost their only address or number violate it.
    op.create_check_constraint(
        op.f("ck_users_can_sign_in"),
        "users",
        "email IS NOT NULL OR phone IS NOT NULL",
        postgresql_not_valid=True,
    )
    op.drop_constraint(op.f("ck_users_verified_is_there"), "users")
    for name in ("phone_verified_at", "email_verified_at"):
        op.drop_column("users", name)
