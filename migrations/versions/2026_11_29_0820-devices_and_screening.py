"""Devices of sessions, the screening of payouts, and the traces of messages."""

import sqlalchemy as sa
from alembic import op

revision = "0070_devices_and_screening"
down_revision = "0069_list_filters"

COLUMNS = (
    ("login_sessions", "device_id", sa.String()),
    ("outgoing_messages", "trace_context", sa.String()),
    ("payouts", "risk_score", sa.String()),
    ("payouts", "latency_ms", sa.BigInteger()),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, name, _ in COLUMNS:
        op.drop_column(table, name)
