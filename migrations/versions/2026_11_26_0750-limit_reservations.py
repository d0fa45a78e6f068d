"""Let merchants limit how many units a buyer may reserve without paying."""

import sqlalchemy as sa
from alembic import op

revision = "0031_reservation_limit"
down_revision = "0030_attempt_budgets"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("products", sa.Column("reservation_limit", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_products_reservation_limit_positive"), "products", "reservation_limit > 0"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("products", "reservation_limit")
