"""Payouts, and the bank accounts that they go to."""

import sqlalchemy as sa
from alembic import op

revision = "0008_payouts"
down_revision = "0007_onramps"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "bank_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("routing", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("number_end", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "length(number_end) = 4", name=op.f("ck_bank_accounts_number_end_short")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_bank_accounts_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_bank_accounts"),
    )
    op.create_index(
        "uq_bank_accounts_fingerprint",
        "bank_accounts",
        ["user_id", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "payouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("bank_account_id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("bank_reference", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("flagged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payouts_amount_positive")),
        sa.CheckConstraint(
            "status IN ('PENDING', 'SUBMITTED', 'PAID', 'REFUSED')",
            name=op.f("ck_payouts_status_known"),
        ),
        sa.CheckConstraint(
            "(status IN ('PENDING', 'SUBMITTED')) = (next_attempt_at IS NOT NULL) AND (status IN ('PENDING', 'SUBMITTED')) = (settled_at IS NULL)",
            name=op.f("ck_payouts_open_until_settled"),
        ),
        sa.CheckConstraint(
            "status <> 'SUBMITTED' OR submitted_at IS NOT NULL",
            name=op.f("ck_payouts_submitted_when"),
        ),
        sa.CheckConstraint(
            "(status = 'REFUSED') = (reason IS NOT NULL)", name=op.f("ck_payouts_refused_why")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_payouts_user_id"),
        sa.ForeignKeyConstraint(
            ["bank_account_id"], ["bank_accounts.id"], name="fk_payouts_bank_account_id"
        ),
        sa.ForeignKeyConstraint(["hold_id"], ["wallet_holds.id"], name="fk_payouts_hold_id"),
        sa.PrimaryKeyConstraint("id", name="pk_payouts"),
        sa.UniqueConstraint("hold_id", name="uq_payouts_hold_id"),
    )
    op.create_index("ix_payouts_user", "payouts", ["user_id", "id"])
    op.create_index("ix_payouts_provider", "payouts", ["provider", "settled_at"])
    op.create_index(
        "ix_payouts_due",
        "payouts",
        ["next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "uq_journal_entries_payout",
        "journal_entries",
        ["reference_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'PAYOUT'"),
    )
    # What the bank was told to do must not change, and what has ended stays so.
    op.execute("""
        CREATE FUNCTION keep_payout() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (OLD.status IN ('PAID', 'REFUSED') AND NEW.status <> OLD.status)
                OR (OLD.status = 'SUBMITTED' AND NEW.status = 'PENDING')
                OR (NEW.id, NEW.user_id, NEW.bank_account_id, NEW.hold_id, NEW.provider,
                    NEW.amount, NEW.currency, NEW.created_at)
                IS DISTINCT FROM
                   (OLD.id, OLD.user_id, OLD.bank_account_id, OLD.hold_id, OLD.provider,
                    OLD.amount, OLD.currency, OLD.created_at)
            THEN
                RAISE EXCEPTION 'payout % has ended, or what was asked for would change', OLD.id
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER keep_payout BEFORE UPDATE ON payouts
        FOR EACH ROW EXECUTE FUNCTION keep_payout()
    """)


def downgrade() -> None:
    op.drop_index("uq_journal_entries_payout", table_name="journal_entries")
    op.drop_table("payouts")
    op.execute("DROP FUNCTION keep_payout()")
    op.drop_table("bank_accounts")
