"""Phone numbers to sign in with, and second factors."""

import sqlalchemy as sa
from alembic import op

revision = "0004_phone_and_two_factor"
down_revision = "0003_money_around"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("users", sa.Column("phone", sa.String(), nullable=True))
    op.create_unique_constraint("uq_users_phone", "users", ["phone"])
    op.alter_column("users", "email", nullable=True)
    op.alter_column("users", "email_key", nullable=True)
    op.create_check_constraint(
        op.f("ck_users_can_sign_in"), "users", "email IS NOT NULL OR phone IS NOT NULL"
    )
    op.create_check_constraint(
        op.f("ck_users_email_has_key"), "users", "(email IS NULL) = (email_key IS NULL)"
    )
    op.create_check_constraint(
        op.f("ck_users_phone_e164"), "users", r"phone ~ '^\+[1-9][0-9]{1,14}$'"
    )
    op.create_table(
        "two_factors",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(confirmed_at IS NULL) = (last_step IS NULL)",
            name=op.f("ck_two_factors_confirmed_by_a_code"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_two_factors_user_id"),
        sa.PrimaryKeyConstraint("user_id", name="pk_two_factors"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["two_factors.user_id"],
            name="fk_recovery_codes_user_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_codes"),
    )


def downgrade() -> None:
    """Fails while there are accounts without an email, which the older version cannot have."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("recovery_codes")
    op.drop_table("two_factors")
    op.drop_constraint(op.f("ck_users_can_sign_in"), "users")
    op.drop_constraint(op.f("ck_users_email_has_key"), "users")
    op.alter_column("users", "email_key", nullable=False)
    op.alter_column("users", "email", nullable=False)
    op.drop_column("users", "phone")
