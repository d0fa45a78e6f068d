"""Create the tables of the core: people, products, ledger, orders, events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_core"
down_revision = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "outbox_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("aggregate_type", sa.String(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_events"),
    )
    op.create_index(
        "ix_outbox_events_undelivered",
        "outbox_events",
        ["sequence"],
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_key", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=True),
        sa.Column("last_name", sa.String(), nullable=True),
        sa.Column("email_public", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('USER', 'MERCHANT', 'ADMIN')", name=op.f("ck_users_role_known")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email_key", name="uq_users_email_key"),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target_type", sa.String(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name="fk_audit_log_actor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        info={"append_only": True},
    )
    op.create_index("ix_audit_log_actor_id", "audit_log", ["actor_id"])
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_idempotency_keys_user_id"),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_table(
        "journal_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reference_type", sa.String(), nullable=True),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("initiator_id", sa.Uuid(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["initiator_id"], ["users.id"], name="fk_journal_entries_initiator_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_journal_entries"),
        info={"append_only": True},
    )
    op.create_index(
        "uq_journal_entries_key",
        "journal_entries",
        ["initiator_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_because", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_login_sessions_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_login_sessions"),
    )
    op.create_index("ix_login_sessions_user_id", "login_sessions", ["user_id"])
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("available_units", sa.BigInteger(), nullable=False),
        sa.Column("initial_units", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("available_units >= 0", name=op.f("ck_products_stock_not_negative")),
        sa.CheckConstraint(
            "deleted_at IS NULL OR NOT is_active", name=op.f("ck_products_deleted_is_inactive")
        ),
        sa.CheckConstraint("initial_units >= 0", name=op.f("ck_products_initial_not_negative")),
        sa.CheckConstraint("price > 0", name=op.f("ck_products_price_positive")),
        sa.ForeignKeyConstraint(["merchant_id"], ["users.id"], name="fk_products_merchant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index("ix_products_merchant", "products", ["merchant_id", "id"])
    op.create_index(
        "ix_products_on_sale",
        "products",
        ["id"],
        postgresql_where=sa.text("is_active AND deleted_at IS NULL"),
    )
    op.create_table(
        "wallet_limits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("window", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "type IN ('DEPOSIT', 'WITHDRAWAL')", name=op.f("ck_wallet_limits_type_limited")
        ),
        sa.CheckConstraint(
            "\"window\" IN ('TRANSACTION', 'DAY', 'MONTH')",
            name=op.f("ck_wallet_limits_window_known"),
        ),
        sa.CheckConstraint(
            "(role IS NULL) <> (user_id IS NULL)", name=op.f("ck_wallet_limits_role_or_user")
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_wallet_limits_amount_not_negative")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_wallet_limits_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_wallet_limits"),
        sa.UniqueConstraint("role", "type", "window", "currency", name="uq_wallet_limits_role"),
        sa.UniqueConstraint("user_id", "type", "window", "currency", name="uq_wallet_limits_user"),
    )
    op.create_table(
        "wallets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("balance", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("is_locked", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("lock_reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'SYSTEM') = (code IS NOT NULL)", name=op.f("ck_wallets_system_has_code")
        ),
        sa.CheckConstraint(
            "(kind = 'USER') = (user_id IS NOT NULL)", name=op.f("ck_wallets_user_has_owner")
        ),
        sa.CheckConstraint(
            "kind = 'USER' OR (balance = 0 AND sequence = 0)",
            name=op.f("ck_wallets_system_appends"),
        ),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_wallets_balance_not_negative")),
        sa.CheckConstraint(
            "held >= 0 AND held <= balance", name=op.f("ck_wallets_held_within_balance")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_wallets_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_wallets"),
        sa.UniqueConstraint("code", "currency", name="uq_wallets_code"),
        sa.UniqueConstraint("user_id", "currency", name="uq_wallets_owner"),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("payment_method", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("stripe_session_id", sa.String(), nullable=True),
        sa.Column("stripe_payment_intent_id", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("notes", sa.String(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure_reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "payment_method IN ('WALLET', 'GATEWAY')", name=op.f("ck_orders_payment_method_known")
        ),
        sa.CheckConstraint(
            "status <> 'COMPLETED' OR completed_at IS NOT NULL",
            name=op.f("ck_orders_completed_has_time"),
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'PAYMENT_PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED', 'REFUNDED')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint(
            "amount = unit_price * quantity", name=op.f("ck_orders_amount_is_price_times_quantity")
        ),
        sa.CheckConstraint("fee >= 0 AND fee <= amount", name=op.f("ck_orders_fee_within_amount")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_orders_quantity_positive")),
        sa.CheckConstraint("user_id <> merchant_id", name=op.f("ck_orders_not_own_product")),
        sa.ForeignKeyConstraint(["merchant_id"], ["users.id"], name="fk_orders_merchant_id"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_orders_product_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_orders_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
    )
    op.create_index("ix_orders_buyer", "orders", ["user_id", "id"])
    op.create_index("ix_orders_merchant", "orders", ["merchant_id", "id"])
    op.create_index("ix_orders_product", "orders", ["product_id"])
    op.create_index(
        "uq_orders_key",
        "orders",
        ["user_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["login_sessions.id"], name="fk_refresh_tokens_session_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_refresh_tokens"),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])
    op.create_index(
        "uq_refresh_tokens_live",
        "refresh_tokens",
        ["session_id"],
        unique=True,
        postgresql_where=sa.text("used_at IS NULL"),
    )
    op.create_table(
        "restocks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("delta <> 0", name=op.f("ck_restocks_delta_not_zero")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name="fk_restocks_actor_id"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_restocks_product_id"),
        sa.PrimaryKeyConstraint("id", name="pk_restocks"),
        info={"append_only": True},
    )
    op.create_index("ix_restocks_product_id", "restocks", ["product_id"])
    op.create_table(
        "wallet_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_entry_id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance_before", sa.BigInteger(), nullable=True),
        sa.Column("balance_after", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("reference_type", sa.String(), nullable=True),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(sequence IS NULL) = (balance_before IS NULL) AND (sequence IS NULL) = (balance_after IS NULL)",
            name=op.f("ck_wallet_transactions_running_or_appended"),
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_wallet_transactions_amount_not_zero")),
        sa.CheckConstraint(
            "balance_after = balance_before + amount",
            name=op.f("ck_wallet_transactions_after_is_before_plus"),
        ),
        sa.CheckConstraint(
            "balance_after >= 0 AND balance_before >= 0",
            name=op.f("ck_wallet_transactions_never_overdrawn"),
        ),
        sa.ForeignKeyConstraint(
            ["journal_entry_id"],
            ["journal_entries.id"],
            name="fk_wallet_transactions_journal_entry_id",
        ),
        sa.ForeignKeyConstraint(
            ["wallet_id"], ["wallets.id"], name="fk_wallet_transactions_wallet_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_wallet_transactions"),
        sa.UniqueConstraint("wallet_id", "sequence", name="uq_wallet_transactions_sequence"),
        info={"append_only": True},
    )
    op.create_index("ix_wallet_transactions_entry", "wallet_transactions", ["journal_entry_id"])
    op.create_index(
        "ix_wallet_transactions_limited",
        "wallet_transactions",
        ["wallet_id", "type", "created_at"],
        postgresql_where=sa.text("type IN ('DEPOSIT', 'WITHDRAWAL')"),
    )
    op.create_table(
        "money_gate",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_money_gate"),
    )


def downgrade() -> None:
    # Indexes go with their tables.
    op.drop_table("money_gate")
    op.drop_index(
        "ix_wallet_transactions_limited",
        table_name="wallet_transactions",
        postgresql_where=sa.text("type IN ('DEPOSIT', 'WITHDRAWAL')"),
    )
    op.drop_table("wallet_transactions")
    op.drop_table("restocks")
    op.drop_table("refresh_tokens")
    op.drop_table("orders")
    op.drop_table("wallets")
    op.drop_table("wallet_limits")
    op.drop_table("products")
    op.drop_table("login_sessions")
    op.drop_table("journal_entries")
    op.drop_table("idempotency_keys")
    op.drop_table("audit_log")
    op.drop_table("users")
    op.drop_table("outbox_events")
