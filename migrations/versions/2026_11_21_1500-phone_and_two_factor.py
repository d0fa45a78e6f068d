"""Phone numbers to sign in with."""

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


def downgrade() -> None:
    """Fails while there are accounts without an email, which the older version cannot have."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint(op.f("ck_users_can_sign_in"), "users")
    op.drop_constraint(op.f("ck_users_email_has_key"), "users")
    op.alter_column("users", "email_key", nullable=False)
    op.alter_column("users", "email", nullable=False)
    op.drop_column("users", "phone")
