"""The inbox of what banks say: stored first, unchangeable, and each event settled once."""

import sqlalchemy as sa
from alembic import op

revision = "0006_bank_events"
down_revision = "0005_create_transfers"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "bank_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("bank_reference", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('RECEIVED', 'PROCESSED', 'QUARANTINED') AND (status = 'RECEIVED') = (processed_at IS NULL)",
            name=op.f("ck_bank_events_status_known"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bank_events"),
        sa.UniqueConstraint("provider", "event_id", name="uq_bank_events_event"),
    )
    op.create_index("ix_bank_events_reference", "bank_events", ["provider", "reference"])
    op.create_index(
        "ix_bank_events_due",
        "bank_events",
        ["next_attempt_at"],
        postgresql_where=sa.text("status = 'RECEIVED'"),
    )
    # What a bank has signed stays as it was signed, and what came of it is final.
    op.execute("""
        CREATE FUNCTION keep_bank_event() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.status <> 'RECEIVED'
                OR (NEW.id, NEW.provider, NEW.event_id, NEW.type, NEW.reference, NEW.amount,
                    NEW.currency, NEW.user_id, NEW.bank_reference, NEW.reason, NEW.body,
                    NEW.received_at)
                IS DISTINCT FROM
                   (OLD.id, OLD.provider, OLD.event_id, OLD.type, OLD.reference, OLD.amount,
                    OLD.currency, OLD.user_id, OLD.bank_reference, OLD.reason, OLD.body,
                    OLD.received_at)
            THEN
                RAISE EXCEPTION 'bank event % is settled, or what was signed would change', OLD.id
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER keep_bank_event BEFORE UPDATE ON bank_events
        FOR EACH ROW EXECUTE FUNCTION keep_bank_event()
    """)


def downgrade() -> None:
    op.drop_table("bank_events")
    op.execute("DROP FUNCTION keep_bank_event()")
