"""Index the few merchants whose products the catalogue leaves out: deactivated, or locked."""

import sqlalchemy as sa
from alembic import op

revision = "0023_sell_nothing"
down_revision = "0022_retention"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_users_deactivated", "users", ["id"], postgresql_where=sa.text("NOT is_active")
    )
    op.create_index(
        "ix_wallets_locked",
        "wallets",
        ["user_id", "currency"],
        postgresql_where=sa.text("is_locked AND user_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_wallets_locked", "wallets")
    op.drop_index("ix_users_deactivated", "users")
