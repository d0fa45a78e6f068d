"""Categories of products."""

import sqlalchemy as sa
from alembic import op

revision = "0047_categories"
down_revision = "0046_product_images"

IN_A_CATEGORY = sa.text("category_id IS NOT NULL AND is_active AND deleted_at IS NULL")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_categories()
    op.add_column("products", sa.Column("category_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_products_category_id", "products", "categories", ["category_id"], ["id"]
    )
    for name, columns in (
        ("category", ["category_id", "id"]),
        ("category_price", ["category_id", "price", "id"]),
        ("category_name", ["category_id", "name", "id"]),
    ):
        op.create_index(f"ix_products_{name}", "products", columns, postgresql_where=IN_A_CATEGORY)


def create_categories() -> None:
    op.create_table(
        "categories",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_categories_slug_format")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_categories"),
    )
    op.create_index(
        "uq_categories_slug",
        "categories",
        ["slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_categories_name",
        "categories",
        ["name", "id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("products", "category_id")
    op.drop_table("categories")
