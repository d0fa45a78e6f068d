"""Let single users have other quotas, and index what quotas count."""

import sqlalchemy as sa
from alembic import op

revision = "0032_quotas"
down_revision = "0031_reservation_limit"

#: Name, table, column and condition of each index.
INDEXES = (
    ("ix_products_kept", "products", "merchant_id", "deleted_at IS NULL"),
    ("ix_products_codes", "products", "merchant_id", "kind = 'CODES'"),
    ("ix_products_files", "products", "merchant_id", "kind = 'FILE'"),
    ("ix_products_deleted_codes", "products", "id", "kind = 'CODES' AND deleted_at IS NOT NULL"),
    ("ix_payment_requests_open", "payment_requests", "requester_id", "status = 'OPEN'"),
    ("ix_merchant_codes_active", "merchant_codes", "merchant_id", "is_active"),
)

#: Files of deleted products that nobody has bought: merchants can no longer delete them.
RETIRE_UNSOLD = """
    WITH retired AS (
        UPDATE product_files f SET retired_at = greatest(now(), f.uploaded_at)
        FROM products p
        WHERE p.id = f.product_id AND p.deleted_at IS NOT NULL AND f.retired_at IS NULL
            AND NOT EXISTS (SELECT FROM file_deliveries d WHERE d.product_id = p.id)
        RETURNING f.product_id
    )
    UPDATE products SET is_ready = false FROM retired WHERE products.id = retired.product_id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "user_quotas",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("quota", sa.String(), nullable=False),
        sa.Column("maximum", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "\"quota\" IN ('PRODUCTS', 'COUPONS', 'CODES', 'FILE_BYTES', 'API_KEYS',"
            " 'MERCHANT_CODES', 'PAYMENT_REQUESTS', 'HOLDS')",
            name=op.f("ck_user_quotas_quota_known"),
        ),
        sa.CheckConstraint("maximum >= 0", name=op.f("ck_user_quotas_maximum_not_negative")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_quotas_user_id"),
        sa.PrimaryKeyConstraint("user_id", "quota", name="pk_user_quotas"),
    )
    for name, table, column, condition in INDEXES:
        op.create_index(name, table, [column], postgresql_where=sa.text(condition))
    op.execute(RETIRE_UNSOLD)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table_name=table)
    op.drop_table("user_quotas")
