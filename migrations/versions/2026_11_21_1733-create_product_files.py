"""Files that are sold, and their downloads."""

import sqlalchemy as sa
from alembic import op

revision = "0013_product_files"
down_revision = "0012_licences"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_file_contents()
    create_product_files()
    create_file_deliveries()
    create_file_downloads()


def create_file_contents() -> None:
    op.create_table(
        "file_contents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removing_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missing_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_file_contents_sha256_hex")),
        sa.CheckConstraint("size > 0", name=op.f("ck_file_contents_size_positive")),
        sa.CheckConstraint(
            "removed_at IS NULL OR removing_at IS NOT NULL",
            name=op.f("ck_file_contents_removed_after_removing"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_file_contents"),
    )
    op.create_index(
        "uq_file_contents_sha256",
        "file_contents",
        ["sha256"],
        unique=True,
        postgresql_where=sa.text("removing_at IS NULL"),
    )
    op.create_index(
        "ix_file_contents_touched",
        "file_contents",
        ["touched_at"],
        postgresql_where=sa.text("removing_at IS NULL"),
    )
    op.create_index(
        "ix_file_contents_removing",
        "file_contents",
        ["id"],
        postgresql_where=sa.text("removing_at IS NOT NULL AND removed_at IS NULL"),
    )


def create_product_files() -> None:
    op.create_table(
        "product_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("version > 0", name=op.f("ck_product_files_version_positive")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_product_files_product_id"
        ),
        sa.ForeignKeyConstraint(
            ["content_id"], ["file_contents.id"], name="fk_product_files_content_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_product_files"),
        sa.UniqueConstraint("product_id", "version", name="uq_product_files_version"),
    )
    op.create_index("ix_product_files_content_id", "product_files", ["content_id"])
    op.create_index(
        "uq_product_files_current",
        "product_files",
        ["product_id"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )


def create_file_deliveries() -> None:
    op.create_table(
        "file_deliveries",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("revoked_units", sa.BigInteger(), nullable=False),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("downloads_allowed", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_file_deliveries_quantity_positive")),
        sa.CheckConstraint(
            "revoked_units BETWEEN 0 AND quantity",
            name=op.f("ck_file_deliveries_revoked_within_quantity"),
        ),
        sa.CheckConstraint(
            "downloads BETWEEN 0 AND downloads_allowed",
            name=op.f("ck_file_deliveries_downloads_within"),
        ),
        sa.CheckConstraint(
            "delivered_at IS NOT NULL OR downloads = 0",
            name=op.f("ck_file_deliveries_delivered_first"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_file_deliveries_order_id"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_file_deliveries_product_id"
        ),
        sa.ForeignKeyConstraint(["buyer_id"], ["users.id"], name="fk_file_deliveries_buyer_id"),
        sa.PrimaryKeyConstraint("order_id", name="pk_file_deliveries"),
    )
    op.create_index("ix_file_deliveries_product_id", "file_deliveries", ["product_id"])


def create_file_downloads() -> None:
    op.create_table(
        "file_downloads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("served", sa.BigInteger(), nullable=False),
        sa.Column("budget", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "served BETWEEN 0 AND budget", name=op.f("ck_file_downloads_served_within")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["file_deliveries.order_id"], name="fk_file_downloads_order_id"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["product_files.id"], name="fk_file_downloads_file_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_file_downloads"),
    )
    op.create_index("ix_file_downloads_order_id", "file_downloads", ["order_id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("file_downloads", "file_deliveries", "product_files", "file_contents"):
        op.drop_table(table)
