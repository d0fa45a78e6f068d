"""Create licences, their terms and their activations."""

import sqlalchemy as sa
from alembic import op

revision = "0012_licences"
down_revision = "0011_product_codes"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_licence_terms()
    create_licences()
    create_licence_activations()


def create_licence_terms() -> None:
    op.create_table(
        "licence_terms",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("activation_limit", sa.BigInteger(), nullable=True),
        sa.Column("valid_days", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "activation_limit BETWEEN 1 AND 1000000",
            name=op.f("ck_licence_terms_activation_limit_within"),
        ),
        sa.CheckConstraint(
            "valid_days BETWEEN 1 AND 36500", name=op.f("ck_licence_terms_valid_days_within")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_licence_terms_product_id"
        ),
        sa.PrimaryKeyConstraint("product_id", name="pk_licence_terms"),
    )


def create_licences() -> None:
    op.create_table(
        "licences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("activation_limit", sa.BigInteger(), nullable=True),
        sa.Column("activations", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "activations >= 0 AND (activation_limit IS NULL OR activations <= activation_limit)",
            name=op.f("ck_licences_activations_within_limit"),
        ),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_licences_expires_later")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_licences_order_id"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_licences_product_id"),
        sa.PrimaryKeyConstraint("id", name="pk_licences"),
        sa.UniqueConstraint("fingerprint", name="uq_licences_fingerprint"),
    )
    op.create_index("ix_licences_order", "licences", ["order_id", "id"])
    op.create_index("ix_licences_product", "licences", ["product_id", "id"])


def create_licence_activations() -> None:
    op.create_table(
        "licence_activations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("licence_id", sa.Uuid(), nullable=False),
        sa.Column("instance", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "deactivated_at >= activated_at", name=op.f("ck_licence_activations_ends_later")
        ),
        sa.ForeignKeyConstraint(
            ["licence_id"], ["licences.id"], name="fk_licence_activations_licence_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_licence_activations"),
    )
    op.create_index(
        "uq_licence_activations_active",
        "licence_activations",
        ["licence_id", "instance"],
        unique=True,
        postgresql_where=sa.text("deactivated_at IS NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("licence_activations")
    op.drop_table("licences")
    op.drop_table("licence_terms")
