"""Number the events of each aggregate, and keep how far each sink has received them.

Events that are in the outbox already have no version and are not delivered, nor are those that a
process of an older version records afterwards. The index is created concurrently, so that purchases
do not wait for it. If that was interrupted, run the migration again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0051_event_relay"
down_revision = "0050_product_metadata"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_outbox_events_sequence")
        op.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY uq_outbox_events_sequence ON outbox_events (sequence)"
        )
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "event_counts",
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("aggregate_id", name="pk_event_counts"),
    )
    op.create_table(
        "event_sinks",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("gaps", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_event_sinks"),
    )
    op.create_table(
        "held_events",
        sa.Column("sink", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "\"status\" IN ('RETRYING', 'WAITING', 'PARKED')", name="ck_held_events_status_known"
        ),
        sa.ForeignKeyConstraint(
            ["sink"], ["event_sinks.name"], name="fk_held_events_sink", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["outbox_events.id"], name="fk_held_events_event_id"),
        sa.PrimaryKeyConstraint("sink", "event_id", name="pk_held_events"),
    )
    op.create_index("ix_held_events_aggregate", "held_events", ["sink", "aggregate_id", "sequence"])
    op.create_index(
        "ix_held_events_due",
        "held_events",
        ["sink", "next_attempt_at"],
        postgresql_where=sa.text("status = 'RETRYING'"),
    )
    op.create_index("ix_held_events_sequence", "held_events", ["sink", "sequence"])
    op.create_index("ix_held_events_status", "held_events", ["status", "sink", "sequence"])
    op.create_index("ix_held_events_event", "held_events", ["event_id"])
    op.drop_index("ix_outbox_events_undelivered", table_name="outbox_events")
    op.drop_column("outbox_events", "delivered_at")
    op.add_column("outbox_events", sa.Column("version", sa.BigInteger(), nullable=True))
    op.add_column(
        "outbox_events",
        sa.Column("schema_version", sa.SmallInteger(), server_default="1", nullable=False),
    )
    op.execute("""
        CREATE FUNCTION notify_of_events() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_notify('outbox_events', '');
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER notify_of_events AFTER INSERT ON outbox_events
        FOR EACH STATEMENT EXECUTE FUNCTION notify_of_events()
    """)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER notify_of_events ON outbox_events")
    op.execute("DROP FUNCTION notify_of_events()")
    op.drop_column("outbox_events", "schema_version")
    op.drop_column("outbox_events", "version")
    op.add_column(
        "outbox_events", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_outbox_events_undelivered",
        "outbox_events",
        ["sequence"],
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.drop_table("held_events")
    op.drop_table("event_sinks")
    op.drop_table("event_counts")
    op.drop_index("uq_outbox_events_sequence", table_name="outbox_events")
