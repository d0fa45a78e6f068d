"""Index what lists are filtered and sorted by.

Orders by coupon, refund requests by status, revoked licences, a merchant's products by name and by
price.

The indexes are created concurrently: nothing waits. A migration that was interrupted can be run
again.
"""

from alembic import op

revision = "0069_list_filters"
down_revision = "0068_audit_retention"

INDEXES = {
    "ix_orders_coupon": "orders (coupon_id, id) WHERE coupon_id IS NOT NULL",
    "ix_refund_requests_buyer_status": "refund_requests (user_id, status, id)",
    "ix_refund_requests_merchant_status": "refund_requests (merchant_id, status, id)",
    "ix_products_merchant_name": "products (merchant_id, name, id)",
    "ix_products_merchant_price": "products (merchant_id, price, id)",
    "ix_licences_revoked": "licences (product_id, id) WHERE revoked_at IS NOT NULL",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
