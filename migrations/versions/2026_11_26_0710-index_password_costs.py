"""Index the cost of password hashes, of which a sign-in needs the highest."""

import sqlalchemy as sa
from alembic import op

revision = "0027_password_costs"
down_revision = "0026_outflow_policy"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_users_password_cost", "users", [sa.text("substr(password_hash, 5, 2)")])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_users_password_cost", table_name="users")
