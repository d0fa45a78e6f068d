"""How often the address of an order's page was revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0048_order_page_addresses"
down_revision = "0047_categories"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "order_page_addresses",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("serial > 0", name=op.f("ck_order_page_addresses_serial_positive")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_page_addresses_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_page_addresses")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("order_page_addresses")
