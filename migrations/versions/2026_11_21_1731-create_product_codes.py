"""Create codes that are sold one by one, and the uploads they come in."""

import sqlalchemy as sa
from alembic import op

revision = "0011_product_codes"
down_revision = "0010_kinds_of_goods"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_code_uploads()
    create_code_upload_chunks()
    create_product_codes()


def create_code_uploads() -> None:
    op.create_table(
        "code_uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("duplicate_lines", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('RECEIVING', 'PROCESSING', 'COMPLETED', 'FAILED')",
            name=op.f("ck_code_uploads_status_known"),
        ),
        sa.CheckConstraint(
            "added >= 0 AND duplicates >= 0 AND added + duplicates <= total",
            name=op.f("ck_code_uploads_counts_add_up"),
        ),
        sa.CheckConstraint(
            "status <> 'COMPLETED' OR added + duplicates = total",
            name=op.f("ck_code_uploads_completed_is_whole"),
        ),
        sa.CheckConstraint(
            "(status IN ('COMPLETED', 'FAILED')) = (closed_at IS NOT NULL)",
            name=op.f("ck_code_uploads_closed_has_time"),
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name="fk_code_uploads_product_id",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["users.id"], name="fk_code_uploads_merchant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_code_uploads"),
        sa.UniqueConstraint("number", name="uq_code_uploads_number"),
    )
    op.create_index("ix_code_uploads_product", "code_uploads", ["product_id", "id"])
    op.create_index(
        "ix_code_uploads_open",
        "code_uploads",
        ["updated_at"],
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def create_code_upload_chunks() -> None:
    op.create_table(
        "code_upload_chunks",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["code_uploads.id"], name="fk_code_upload_chunks_upload_id"
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name="pk_code_upload_chunks"),
    )


def create_product_codes() -> None:
    op.create_table(
        "product_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(order_id IS NULL) = (taken_at IS NULL)",
            name=op.f("ck_product_codes_taken_for_an_order"),
        ),
        sa.CheckConstraint(
            "seen_at IS NULL OR order_id IS NOT NULL",
            name=op.f("ck_product_codes_seen_by_a_buyer"),
        ),
        sa.CheckConstraint(
            "revoked_at IS NULL OR seen_at IS NOT NULL",
            name=op.f("ck_product_codes_revoked_was_seen"),
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name="fk_product_codes_product_id",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_product_codes_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_product_codes"),
        postgresql_with={
            "fillfactor": "90",
            "autovacuum_vacuum_scale_factor": "0.01",
            "autovacuum_vacuum_threshold": "1000",
        },
    )
    op.create_index(
        "uq_product_codes_position", "product_codes", ["product_id", "position"], unique=True
    )
    op.create_index(
        "uq_product_codes_fingerprint", "product_codes", ["product_id", "fingerprint"], unique=True
    )
    op.create_index(
        "ix_product_codes_free",
        "product_codes",
        ["product_id", "position"],
        postgresql_where=sa.text("order_id IS NULL"),
    )
    op.create_index(
        "ix_product_codes_order",
        "product_codes",
        ["order_id", "position"],
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("product_codes")
    op.drop_table("code_upload_chunks")
    op.drop_table("code_uploads")
