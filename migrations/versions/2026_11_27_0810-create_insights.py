"""The feed of transactions with its sums, counts of requests, and checks of readiness."""

import sqlalchemy as sa
from alembic import op

revision = "0059_insights"
down_revision = "0056_verified_handles"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_feed()
    create_sums("transaction_minutes")
    create_sums("transaction_days")
    create_requests("request_minutes")
    create_requests("request_hours")
    create_readiness()
    # Partial, so that purchases from a wallet do not write it.
    op.create_index(
        "ix_orders_checkouts",
        "orders",
        ["merchant_id", "id", "status"],
        postgresql_where=sa.text("payment_method = 'GATEWAY'"),
    )


def create_feed() -> None:
    op.create_table(
        "feed_users",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_feed_users_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_feed_users")),
        sa.UniqueConstraint("number", name=op.f("uq_feed_users_number")),
    )
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON feed_users"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "feed_transactions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("merchant_name", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("decline_reason", sa.String(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("risk_score", sa.Numeric(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "\"kind\" IN ('PURCHASE', 'TRANSFER', 'PAYMENT_REQUEST', 'MERCHANT_CODE', 'HOLD',"
            " 'WITHDRAWAL', 'PAYOUT')",
            name=op.f("ck_feed_transactions_kind_known"),
        ),
        sa.CheckConstraint(
            "\"status\" IN ('APPROVED', 'DECLINED', 'REVIEW')"
            " AND (status = 'DECLINED') = (decline_reason IS NOT NULL)",
            name=op.f("ck_feed_transactions_status_known"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_feed_transactions_amount_not_negative")),
        sa.CheckConstraint(
            "latency_ms >= 0", name=op.f("ck_feed_transactions_latency_not_negative")
        ),
        sa.CheckConstraint(
            "risk_score BETWEEN 0 AND 1", name=op.f("ck_feed_transactions_risk_score_within")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_feed_transactions_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["users.id"], name=op.f("fk_feed_transactions_merchant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_transactions")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_feed_transactions_transaction_id")),
    )
    op.create_index("ix_feed_transactions_user", "feed_transactions", ["user_id", "id"])
    op.create_index("ix_feed_transactions_merchant", "feed_transactions", ["merchant_id", "id"])
    op.create_index("ix_feed_transactions_occurred_at", "feed_transactions", ["occurred_at"])


def create_sums(name: str) -> None:
    op.create_table(
        name,
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        *(
            sa.Column(column, sa.BigInteger(), nullable=False)
            for column in (
                "approved",
                "declined",
                "reviewed",
                "volume",
                "measured",
                "latency_ms",
            )
        ),
        sa.PrimaryKeyConstraint("starts_at", "currency", name=op.f(f"pk_{name}")),
    )


def create_requests(name: str) -> None:
    op.create_table(
        name,
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration", sa.SmallInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("errors BETWEEN 0 AND requests", name=op.f(f"ck_{name}_errors_within")),
        sa.PrimaryKeyConstraint("starts_at", "duration", name=op.f(f"pk_{name}")),
    )


def create_readiness() -> None:
    op.create_table(
        "readiness_hours",
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "failed & ~checked = 0", name=op.f("ck_readiness_hours_failed_is_checked")
        ),
        sa.CheckConstraint(
            "checked BETWEEN 1 AND (1::bigint << 60) - 1",
            name=op.f("ck_readiness_hours_checked_within"),
        ),
        sa.PrimaryKeyConstraint("starts_at", name=op.f("pk_readiness_hours")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_orders_checkouts", table_name="orders")
    for table in (
        "readiness_hours",
        "request_hours",
        "request_minutes",
        "transaction_days",
        "transaction_minutes",
        "feed_transactions",
        "feed_users",
    ):
        op.drop_table(table)
