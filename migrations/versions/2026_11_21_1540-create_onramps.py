"""On-ramps: money that is to come from a bank, credited once whatever the bank says."""

import sqlalchemy as sa
from alembic import op

revision = "0007_onramps"
down_revision = "0006_bank_events"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "onramps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("payer", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("return_url", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("late", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("bank_reference", sa.String(), nullable=True),
        sa.Column("failure_reason", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_onramps_amount_positive")),
        sa.CheckConstraint("length(token) = 43", name=op.f("ck_onramps_token_unguessable")),
        sa.CheckConstraint(
            "expires_at > created_at", name=op.f("ck_onramps_expires_after_creation")
        ),
        sa.CheckConstraint(
            "status IN ('PROCESSING', 'SUCCESS', 'FAILURE', 'EXPIRED') AND (status = 'PROCESSING') = (closed_at IS NULL)",
            name=op.f("ck_onramps_status_known"),
        ),
        sa.CheckConstraint(
            "(status IN ('SUCCESS', 'FAILURE')) = (settled_by IS NOT NULL)",
            name=op.f("ck_onramps_bank_settles"),
        ),
        sa.CheckConstraint("NOT late OR status = 'SUCCESS'", name=op.f("ck_onramps_late_success")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_onramps_user_id"),
        sa.ForeignKeyConstraint(["settled_by"], ["bank_events.id"], name="fk_onramps_settled_by"),
        sa.PrimaryKeyConstraint("id", name="pk_onramps"),
        sa.UniqueConstraint("token", name="uq_onramps_token"),
        sa.UniqueConstraint("settled_by", name="uq_onramps_settled_by"),
    )
    op.create_index("ix_onramps_user", "onramps", ["user_id", "id"])
    op.create_index(
        "ix_onramps_succeeded",
        "onramps",
        ["provider", "closed_at"],
        postgresql_where=sa.text("status = 'SUCCESS'"),
    )
    op.create_index(
        "ix_onramps_open",
        "onramps",
        ["user_id"],
        postgresql_where=sa.text("status = 'PROCESSING'"),
    )
    op.create_index(
        "ix_onramps_expiring",
        "onramps",
        ["expires_at"],
        postgresql_where=sa.text("status = 'PROCESSING'"),
    )
    op.create_index(
        "uq_onramps_key",
        "onramps",
        ["user_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index(
        "uq_journal_entries_onramp",
        "journal_entries",
        ["reference_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'ONRAMP'"),
    )
    # The credit is what was asked for, so that must not change; and what has ended stays so,
    # except that money may still come for what has expired.
    op.execute("""
        CREATE FUNCTION keep_onramp() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.status IN ('SUCCESS', 'FAILURE')
                OR (OLD.status = 'EXPIRED' AND NEW.status NOT IN ('EXPIRED', 'SUCCESS'))
                OR (NEW.id, NEW.user_id, NEW.provider, NEW.token, NEW.amount, NEW.currency,
                    NEW.expires_at, NEW.created_at)
                IS DISTINCT FROM
                   (OLD.id, OLD.user_id, OLD.provider, OLD.token, OLD.amount, OLD.currency,
                    OLD.expires_at, OLD.created_at)
            THEN
                RAISE EXCEPTION 'on-ramp % has ended, or what was asked for would change', OLD.id
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER keep_onramp BEFORE UPDATE ON onramps
        FOR EACH ROW EXECUTE FUNCTION keep_onramp()
    """)


def downgrade() -> None:
    op.drop_index("uq_journal_entries_onramp", table_name="journal_entries")
    op.drop_table("onramps")
    op.execute("DROP FUNCTION keep_onramp()")
