"""Create transfers, payment requests and merchants' codes."""

import sqlalchemy as sa
from alembic import op

revision = "0005_create_transfers"
down_revision = "0004_phone_and_two_factor"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_transfers()
    create_payment_requests()
    create_merchant_codes()
    op.execute("""
        CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    # A closed request is as final as a posting: nothing reopens it.
    op.execute("""
        CREATE TRIGGER refuse_change_once_closed BEFORE UPDATE OR DELETE ON payment_requests
        FOR EACH ROW WHEN (OLD.status <> 'OPEN') EXECUTE FUNCTION refuse_change()
    """)


def create_transfers() -> None:
    op.create_table(
        "transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("receiver_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("reference_type", sa.String(), nullable=True),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transfers_amount_positive")),
        sa.CheckConstraint("sender_id <> receiver_id", name=op.f("ck_transfers_not_to_oneself")),
        sa.CheckConstraint(
            "(reference_type IS NULL) = (reference_id IS NULL) AND reference_type IN ('payment_request', 'merchant_code')",
            name=op.f("ck_transfers_reference_known"),
        ),
        sa.ForeignKeyConstraint(["sender_id"], ["users.id"], name="fk_transfers_sender_id"),
        sa.ForeignKeyConstraint(["receiver_id"], ["users.id"], name="fk_transfers_receiver_id"),
        sa.PrimaryKeyConstraint("id", name="pk_transfers"),
    )
    op.create_index("ix_transfers_sender", "transfers", ["sender_id", "id"])
    op.create_index("ix_transfers_receiver", "transfers", ["receiver_id", "id"])
    op.create_index(
        "uq_transfers_payment_request",
        "transfers",
        ["reference_id"],
        unique=True,
        postgresql_where=sa.text("reference_type = 'payment_request'"),
    )


def create_payment_requests() -> None:
    op.create_table(
        "payment_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_requests_amount_positive")),
        sa.CheckConstraint(
            "requester_id <> payer_id", name=op.f("ck_payment_requests_not_of_oneself")
        ),
        sa.CheckConstraint(
            "expires_at > created_at", name=op.f("ck_payment_requests_expires_later")
        ),
        sa.CheckConstraint(
            "status IN ('OPEN', 'PAID', 'DECLINED', 'CANCELLED', 'EXPIRED') AND (status = 'OPEN') = (closed_at IS NULL)",
            name=op.f("ck_payment_requests_status_known"),
        ),
        sa.CheckConstraint(
            "(status = 'PAID') = (transfer_id IS NOT NULL)"
            " AND (status <> 'PAID' OR (amount IS NOT NULL AND closed_at < expires_at))",
            name=op.f("ck_payment_requests_paid_by_transfer"),
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"], ["users.id"], name="fk_payment_requests_requester_id"
        ),
        sa.ForeignKeyConstraint(["payer_id"], ["users.id"], name="fk_payment_requests_payer_id"),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name="fk_payment_requests_transfer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_requests"),
        sa.UniqueConstraint("token", name="uq_payment_requests_token"),
        sa.UniqueConstraint("transfer_id", name="uq_payment_requests_transfer_id"),
    )
    op.create_index("ix_payment_requests_requester", "payment_requests", ["requester_id", "id"])
    op.create_index("ix_payment_requests_payer", "payment_requests", ["payer_id", "id"])
    op.create_index(
        "ix_payment_requests_expiring",
        "payment_requests",
        ["expires_at"],
        postgresql_where=sa.text("status = 'OPEN'"),
    )


def create_merchant_codes() -> None:
    op.create_table(
        "merchant_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_merchant_codes_amount_positive")),
        sa.CheckConstraint(
            "product_id IS NULL OR amount IS NULL", name=op.f("ck_merchant_codes_product_has_price")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["users.id"], name="fk_merchant_codes_merchant_id"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_merchant_codes_product_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_merchant_codes"),
        sa.UniqueConstraint("token", name="uq_merchant_codes_token"),
    )
    op.create_index("ix_merchant_codes_merchant", "merchant_codes", ["merchant_id", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("merchant_codes")
    op.drop_table("payment_requests")
    op.drop_table("transfers")
