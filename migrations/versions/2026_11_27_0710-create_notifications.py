"""Notifications, the mails and text messages to be sent, and preferences.

Users have a locale; shops say when their stock is low, and whether mails contain their goods.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0052_notifications"
down_revision = "0051_event_relay"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    add_user_columns()
    create_notifications()
    create_outgoing_messages()
    create_notification_preferences()


def add_user_columns() -> None:
    op.add_column("users", sa.Column("locale", sa.String(), nullable=False, server_default="en"))
    op.add_column(
        "users",
        sa.Column("low_stock_units", sa.BigInteger(), nullable=False, server_default="5"),
    )
    op.add_column(
        "users",
        sa.Column("goods_in_mail", sa.Boolean(), nullable=False, server_default="true"),
    )
    # No row can violate it yet, so it need not be checked by reading the table.
    op.execute(
        "ALTER TABLE users ADD CONSTRAINT ck_users_low_stock_not_negative"
        " CHECK (low_stock_units >= 0)"
    )


def create_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notifications_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
    )
    op.create_index("ix_notifications_user", "notifications", ["user_id", "id"])
    op.create_index(
        "ix_notifications_unread",
        "notifications",
        ["user_id", "id"],
        postgresql_where=sa.text("read_at IS NULL"),
    )


def create_outgoing_messages() -> None:
    op.create_table(
        "outgoing_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "\"channel\" IN ('EMAIL', 'SMS')", name=op.f("ck_outgoing_messages_channel_known")
        ),
        sa.CheckConstraint(
            "\"status\" IN ('PENDING', 'SENDING', 'COLLECTED', 'SENT', 'MERGED', 'FAILED')",
            name=op.f("ck_outgoing_messages_status_known"),
        ),
        sa.CheckConstraint(
            "(next_attempt_at IS NULL) = (status IN ('SENT', 'MERGED', 'FAILED'))",
            name=op.f("ck_outgoing_messages_open_is_due"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_outgoing_messages_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing_messages"),
    )
    op.create_index(
        "ix_outgoing_messages_due",
        "outgoing_messages",
        ["next_attempt_at"],
        postgresql_where=sa.text("status IN ('PENDING', 'SENDING')"),
    )
    op.create_index(
        "ix_outgoing_messages_collected",
        "outgoing_messages",
        ["next_attempt_at", "user_id"],
        postgresql_where=sa.text("status = 'COLLECTED'"),
    )
    op.create_index(
        "ix_outgoing_messages_sales",
        "outgoing_messages",
        ["user_id", "id"],
        postgresql_where=sa.text("topic = 'sale' AND channel = 'EMAIL' AND attempts > 0"),
    )


def create_notification_preferences() -> None:
    op.create_table(
        "notification_preferences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "\"channel\" IN ('IN_APP', 'EMAIL', 'SMS')",
            name=op.f("ck_notification_preferences_channel_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_notification_preferences_user_id"
        ),
        sa.PrimaryKeyConstraint("user_id", "kind", "channel", name="pk_notification_preferences"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("notification_preferences", "outgoing_messages", "notifications"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_users_low_stock_not_negative"), "users", type_="check")
    for column in ("goods_in_mail", "low_stock_units", "locale"):
        op.drop_column("users", column)
