"""Messages that were received from Kafka."""

import sqlalchemy as sa
from alembic import op

revision = "0055_kafka_consumed"
down_revision = "0054_webhooks"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "received_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_messages")),
    )
    op.create_index(op.f("ix_received_messages_received_at"), "received_messages", ["received_at"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("received_messages")
