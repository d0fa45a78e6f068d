"""Images of products, and logos of shops."""

import sqlalchemy as sa
from alembic import op

revision = "0046_product_images"
down_revision = "0045_admin_lists"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_images()
    create_image_sizes()
    create_product_images()
    create_shop_logos()


def create_images() -> None:
    op.create_table(
        "images",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("alt", sa.String(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_images_bytes_positive")),
        sa.ForeignKeyConstraint(["merchant_id"], ["users.id"], name="fk_images_merchant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_images"),
    )
    op.create_index(
        "ix_images_merchant",
        "images",
        ["merchant_id", "retired_at"],
        postgresql_include=["bytes"],
    )


def create_image_sizes() -> None:
    op.create_table(
        "image_sizes",
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "width > 0 AND height > 0", name=op.f("ck_image_sizes_dimensions_positive")
        ),
        sa.CheckConstraint(
            "greatest(width, height) <= side", name=op.f("ck_image_sizes_within_side")
        ),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_image_sizes_bytes_positive")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_image_sizes_image_id"),
        sa.ForeignKeyConstraint(
            ["content_id"], ["file_contents.id"], name="fk_image_sizes_content_id"
        ),
        sa.PrimaryKeyConstraint("image_id", "side", name="pk_image_sizes"),
    )
    op.create_index("ix_image_sizes_content_id", "image_sizes", ["content_id"])


def create_product_images() -> None:
    op.create_table(
        "product_images",
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("source_sha256", sa.String(), nullable=False),
        sa.CheckConstraint("position > 0", name=op.f("ck_product_images_position_positive")),
        sa.CheckConstraint(
            "source_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_product_images_source_sha256_hex")
        ),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_product_images_image_id"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_product_images_product_id"
        ),
        sa.PrimaryKeyConstraint("image_id", name="pk_product_images"),
        sa.UniqueConstraint("product_id", "source_sha256", name="uq_product_images_source"),
    )
    op.create_index("ix_product_images_product", "product_images", ["product_id", "position"])


def create_shop_logos() -> None:
    op.create_table(
        "shop_logos",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("source_sha256", sa.String(), nullable=False),
        sa.CheckConstraint(
            "source_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_shop_logos_source_sha256_hex")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["users.id"], name="fk_shop_logos_merchant_id"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_shop_logos_image_id"),
        sa.PrimaryKeyConstraint("merchant_id", name="pk_shop_logos"),
    )


def downgrade() -> None:
    """The bytes of the images stay in the storage."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("shop_logos", "product_images", "image_sizes", "images"):
        op.drop_table(table)
