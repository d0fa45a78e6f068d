"""Checkouts at the gateway, refunds, requests for them, and what of an order went back."""

import sqlalchemy as sa
from alembic import op

revision = "0016_refunds"
down_revision = "0015_gateway"

COUNTS = ("refunded_amount", "refunded_fee", "refunded_units", "restored_units")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in COUNTS:
        op.add_column(
            "orders", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0")
        )
    op.create_check_constraint(
        op.f("ck_orders_refunded_within"),
        "orders",
        "refunded_amount BETWEEN 0 AND amount AND refunded_fee BETWEEN 0 AND fee",
    )
    op.create_check_constraint(
        op.f("ck_orders_units_within"),
        "orders",
        "refunded_units BETWEEN 0 AND quantity AND restored_units BETWEEN 0 AND quantity",
    )
    op.create_check_constraint(
        op.f("ck_orders_refunded_is_whole"),
        "orders",
        "status <> 'REFUNDED' OR refunded_amount = amount AND refunded_units = quantity",
    )
    create_checkouts()
    create_refunds()
    create_claims()
    op.create_index(
        "uq_journal_entries_gateway",
        "journal_entries",
        ["kind", "reference_id"],
        unique=True,
        postgresql_where=sa.text("kind IN ('GATEWAY_PURCHASE', 'REFUND_REDIRECT')"),
    )


def create_checkouts() -> None:
    op.create_index(
        "ix_orders_open",
        "orders",
        ["user_id"],
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_table(
        "checkouts",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("flagged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_checkouts_order_id"),
        sa.PrimaryKeyConstraint("order_id", name="pk_checkouts"),
    )
    op.create_index(
        "ix_checkouts_due",
        "checkouts",
        ["next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )


def create_refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("initiator_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("restored_units", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("failure_reason", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("flagged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "amount >= 0 AND fee >= 0 AND fee <= amount", name=op.f("ck_refunds_amounts_add_up")
        ),
        sa.CheckConstraint(
            "restored_units BETWEEN 0 AND units AND amount + units > 0",
            name=op.f("ck_refunds_units_add_up"),
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'SUCCEEDED')", name=op.f("ck_refunds_status_known")
        ),
        sa.CheckConstraint(
            "(status = 'PENDING') = (settled_at IS NULL)",
            name=op.f("ck_refunds_settled_has_time"),
        ),
        sa.CheckConstraint(
            "destination IN ('WALLET', 'GATEWAY')", name=op.f("ck_refunds_destination_known")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_refunds_order_id"),
        sa.ForeignKeyConstraint(["initiator_id"], ["users.id"], name="fk_refunds_initiator_id"),
        sa.PrimaryKeyConstraint("id", name="pk_refunds"),
    )
    op.create_index("ix_refunds_order", "refunds", ["order_id", "id"])
    op.create_index(
        "ix_refunds_due",
        "refunds",
        ["next_attempt_at"],
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_index(
        "uq_refunds_key",
        "refunds",
        ["initiator_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )


def create_claims() -> None:
    op.create_table(
        "refund_claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refund_claims_amount_positive")),
        sa.CheckConstraint("units > 0", name=op.f("ck_refund_claims_units_positive")),
        sa.CheckConstraint(
            "amount IS NULL OR units IS NULL", name=op.f("ck_refund_claims_amount_or_units")
        ),
        sa.CheckConstraint(
            "status IN ('OPEN', 'APPROVED', 'DECLINED', 'WITHDRAWN')",
            name=op.f("ck_refund_claims_status_known"),
        ),
        sa.CheckConstraint(
            "(status = 'OPEN') = (decided_at IS NULL)",
            name=op.f("ck_refund_claims_decided_has_time"),
        ),
        sa.CheckConstraint(
            "(status = 'APPROVED') = (refund_id IS NOT NULL)",
            name=op.f("ck_refund_claims_approved_has_refund"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_refund_claims_order_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_refund_claims_user_id"),
        sa.ForeignKeyConstraint(["merchant_id"], ["users.id"], name="fk_refund_claims_merchant_id"),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name="fk_refund_claims_refund_id"),
        sa.PrimaryKeyConstraint("id", name="pk_refund_claims"),
    )
    op.create_index(
        "uq_refund_claims_open",
        "refund_claims",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.create_index("ix_refund_claims_buyer", "refund_claims", ["user_id", "id"])
    op.create_index("ix_refund_claims_merchant", "refund_claims", ["merchant_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_orders_open", "orders")
    op.drop_index("uq_journal_entries_gateway", "journal_entries")
    op.drop_table("refund_claims")
    op.drop_table("refunds")
    op.drop_table("checkouts")
    op.drop_constraint(op.f("ck_orders_refunded_is_whole"), "orders")
    op.drop_constraint(op.f("ck_orders_units_within"), "orders")
    op.drop_constraint(op.f("ck_orders_refunded_within"), "orders")
    for column in reversed(COUNTS):
        op.drop_column("orders", column)
