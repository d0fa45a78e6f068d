"""The shop profile of a merchant: a public name, a support address and a time zone."""

import sqlalchemy as sa
from alembic import op

revision = "0039_shops"
down_revision = "0038_bank_references"

_IS_MERCHANT = "ck_users_shop_of_merchant"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("users", sa.Column("shop_name", sa.String(), nullable=True))
    op.add_column("users", sa.Column("support_email", sa.String(), nullable=True))
    op.add_column(
        "users", sa.Column("time_zone", sa.String(), server_default="UTC", nullable=False)
    )
    # All rows fulfil it: both columns are new.
    op.create_check_constraint(
        op.f(_IS_MERCHANT),
        "users",
        "role = 'MERCHANT' OR num_nonnulls(shop_name, support_email) = 0",
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint(op.f(_IS_MERCHANT), "users")
    op.drop_column("users", "time_zone")
    op.drop_column("users", "support_email")
    op.drop_column("users", "shop_name")
