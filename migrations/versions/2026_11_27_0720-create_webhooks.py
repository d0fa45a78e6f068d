"""Create webhook endpoints, their secrets, deliveries, attempts and replays."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0054_webhooks"
down_revision = "0053_password_resets"

_STATUSES = "'WAITING', 'HELD', 'DELIVERED', 'FAILED', 'SKIPPED'"
_QUOTAS = (
    "'PRODUCTS', 'COUPONS', 'CODES', 'FILE_BYTES', 'API_KEYS', {}'MERCHANT_CODES',"
    " 'PAYMENT_REQUESTS', 'HOLDS'"
)
_IS_OPEN = "status IN ('WAITING', 'HELD')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_endpoints()
    create_secrets()
    create_deliveries()
    create_attempts()
    create_replays()
    replace_quotas("'WEBHOOK_ENDPOINTS', ")


def replace_quotas(added: str) -> None:
    op.drop_constraint(op.f("ck_user_quotas_quota_known"), "user_quotas")
    op.create_check_constraint(
        op.f("ck_user_quotas_quota_known"), "user_quotas", f'"quota" IN ({_QUOTAS.format(added)})'
    )


def create_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("event_types", postgresql.ARRAY(sa.String()), nullable=True),
        sa.Column("api_version", sa.String(), nullable=False),
        sa.Column("is_thin", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_because", sa.String(), nullable=True),
        sa.Column("is_proven", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "\"api_version\" IN ('v1')", name=op.f("ck_webhook_endpoints_api_version_known")
        ),
        sa.CheckConstraint(
            "\"status\" IN ('ENABLED', 'DISABLED')", name=op.f("ck_webhook_endpoints_status_known")
        ),
        sa.CheckConstraint(
            "\"disabled_because\" IN ('MERCHANT', 'GONE', 'FAILING')",
            name=op.f("ck_webhook_endpoints_disabled_because_known"),
        ),
        sa.CheckConstraint(
            "(status = 'DISABLED') = (disabled_at IS NOT NULL)"
            " AND (disabled_at IS NULL) = (disabled_because IS NULL)",
            name=op.f("ck_webhook_endpoints_disabled_has_reason"),
        ),
        sa.CheckConstraint(
            "deleted_at IS NULL OR status = 'DISABLED'",
            name=op.f("ck_webhook_endpoints_deleted_is_disabled"),
        ),
        sa.CheckConstraint(
            "(failures = 0) = (failing_since IS NULL)"
            " AND (failing_since IS NULL) = (last_failed_at IS NULL)"
            " AND (failures = 0 OR NOT is_proven)",
            name=op.f("ck_webhook_endpoints_failures_have_times"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["users.id"], name="fk_webhook_endpoints_merchant_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoints"),
    )
    op.create_index(
        "ix_webhook_endpoints_merchant",
        "webhook_endpoints",
        ["merchant_id", "id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_webhook_endpoints_deleted",
        "webhook_endpoints",
        ["deleted_at"],
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )


def create_secrets() -> None:
    op.create_table(
        "webhook_secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name="fk_webhook_secrets_endpoint_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_secrets"),
    )
    op.create_index(
        "uq_webhook_secrets_current",
        "webhook_secrets",
        ["endpoint_id"],
        unique=True,
        postgresql_where=sa.text("expires_at IS NULL"),
    )
    op.create_index("ix_webhook_secrets_endpoint", "webhook_secrets", ["endpoint_id", "id"])


def create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replay_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            f'"status" IN ({_STATUSES})', name=op.f("ck_webhook_deliveries_status_known")
        ),
        sa.CheckConstraint(
            "(status = 'WAITING') = (next_attempt_at IS NOT NULL)",
            name=op.f("ck_webhook_deliveries_waiting_has_next_attempt"),
        ),
        sa.CheckConstraint(
            f"({_IS_OPEN}) = (finished_at IS NULL)",
            name=op.f("ck_webhook_deliveries_open_until_finished"),
        ),
        sa.CheckConstraint(
            "taken_at IS NULL OR status = 'WAITING'",
            name=op.f("ck_webhook_deliveries_taken_is_waiting"),
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name="fk_webhook_deliveries_endpoint_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
    )
    for name, columns, where in (
        ("ix_webhook_deliveries_endpoint", ["endpoint_id", "id"], None),
        (
            "ix_webhook_deliveries_due",
            ["endpoint_id", "next_attempt_at", "position"],
            "status = 'WAITING'",
        ),
        ("ix_webhook_deliveries_open", ["endpoint_id", "aggregate_id", "position"], _IS_OPEN),
        ("ix_webhook_deliveries_taken", ["endpoint_id"], "taken_at IS NOT NULL"),
        ("ix_webhook_deliveries_finished", ["finished_at"], "finished_at IS NOT NULL"),
        ("ix_webhook_deliveries_replay", ["replay_id", "status"], "replay_id IS NOT NULL"),
    ):
        condition = None if where is None else sa.text(where)
        op.create_index(name, "webhook_deliveries", columns, postgresql_where=condition)
    op.create_index(
        "uq_webhook_deliveries_message",
        "webhook_deliveries",
        ["endpoint_id", "message_id"],
        unique=True,
    )


def create_attempts() -> None:
    op.create_table(
        "webhook_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.Column("status_code", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("excerpt", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_deliveries.id"],
            name="fk_webhook_attempts_delivery_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_attempts"),
    )
    op.create_index("ix_webhook_attempts_delivery", "webhook_attempts", ["delivery_id", "id"])


def create_replays() -> None:
    op.create_table(
        "webhook_replays",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivery_status", sa.String(), nullable=True),
        sa.Column("after_id", sa.Uuid(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            f'"delivery_status" IN ({_STATUSES})',
            name=op.f("ck_webhook_replays_delivery_status_known"),
        ),
        sa.CheckConstraint(
            "(starts_at IS NULL) = (ends_at IS NULL)",
            name=op.f("ck_webhook_replays_period_has_end"),
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name="fk_webhook_replays_endpoint_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_replays"),
    )
    op.create_index("ix_webhook_replays_endpoint", "webhook_replays", ["endpoint_id", "id"])
    op.create_index(
        "ix_webhook_replays_open",
        "webhook_replays",
        ["id"],
        postgresql_where=sa.text("queued_at IS NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM user_quotas WHERE quota = 'WEBHOOK_ENDPOINTS'")
    replace_quotas("")
    for table in ("replays", "attempts", "deliveries", "secrets", "endpoints"):
        op.drop_table(f"webhook_{table}")
