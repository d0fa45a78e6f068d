"""Index the catalogue by price and by name."""

import sqlalchemy as sa
from alembic import op

revision = "0034_catalogue_indexes"
down_revision = "0033_balances_by_statement"

ON_SALE = sa.text("is_active AND deleted_at IS NULL")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in ("price", "name"):
        op.create_index(
            f"ix_products_on_sale_{column}",
            "products",
            [column, "id"],
            postgresql_where=ON_SALE,
        )


def downgrade() -> None:
    for column in ("price", "name"):
        op.drop_index(f"ix_products_on_sale_{column}", table_name="products")
