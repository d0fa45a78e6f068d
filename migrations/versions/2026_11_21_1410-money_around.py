"""Money around: wallet numbers, holds, and limits on everything that moves in, out or across."""

import sqlalchemy as sa
from alembic import op
from uuid_utils.compat import uuid7

revision = "0003_money_around"
down_revision = "0002_guard_ledger"

LIMITED = "('DEPOSIT', 'WITHDRAWAL', 'ONRAMP', 'PAYOUT', 'TRANSFER_IN', 'TRANSFER_OUT')"
NEW_KINDS = ("ONRAMP", "PAYOUT", "TRANSFER_IN", "TRANSFER_OUT")

#: As for deposits and withdrawals: they stop a runaway program and not a person. In cents.
LIMITS = {"DAY": 100_000_000, "MONTH": 1_000_000_000}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    number_wallets()
    create_holds()
    op.drop_index("ix_wallet_transactions_limited", table_name="wallet_transactions")
    op.create_index(
        "ix_wallet_transactions_limited",
        "wallet_transactions",
        ["wallet_id", "type", "created_at"],
        postgresql_where=sa.text(f"type IN {LIMITED}"),
    )
    op.drop_constraint(op.f("ck_wallet_limits_type_limited"), "wallet_limits")
    op.create_check_constraint(
        op.f("ck_wallet_limits_type_limited"),
        "wallet_limits",
        f"type IN {LIMITED} OR type IN ('INCOMING', 'OUTGOING')",
    )
    limits = sa.table(
        "wallet_limits",
        *map(sa.column, ("id", "role", "type", "window", "currency", "amount", "updated_at")),
    )
    op.execute(
        limits.insert().values(
            [
                {
                    "id": uuid7(),
                    "role": role,
                    "type": kind,
                    "window": window,
                    "currency": "USD",
                    "amount": amount,
                    "updated_at": sa.func.now(),
                }
                for role in ("USER", "MERCHANT", "ADMIN")
                for kind in NEW_KINDS
                for window, amount in LIMITS.items()
            ]
        )
    )


def number_wallets() -> None:
    # The database makes the numbers, so that code which knows nothing of them can open wallets.
    op.add_column("wallets", sa.Column("number", sa.String(), nullable=True))
    op.execute("""
        CREATE FUNCTION new_wallet_number() RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            digits text;
            product integer;
            total integer;
        BEGIN
            LOOP
                digits := (10000000000 + floor(random() * 90000000000))::bigint::text;
                product := 10;  -- ISO 7064, MOD 11,10
                FOR place IN 1..11 LOOP
                    total := (product + substr(digits, place, 1)::integer) % 10;
                    product := (CASE total WHEN 0 THEN 10 ELSE total END * 2) % 11;
                END LOOP;
                digits := digits || (11 - product) % 10;
                EXIT WHEN NOT EXISTS (SELECT FROM wallets WHERE number = digits);
            END LOOP;
            RETURN digits;
        END $$
    """)
    # Before the numbers are drawn: each one looks whether it is there already.
    op.create_unique_constraint("uq_wallets_number", "wallets", ["number"])
    op.execute("UPDATE wallets SET number = new_wallet_number() WHERE kind = 'USER'")
    op.alter_column("wallets", "number", server_default=sa.text("new_wallet_number()"))
    op.create_check_constraint(
        op.f("ck_wallets_user_has_number"), "wallets", "(kind = 'USER') = (number IS NOT NULL)"
    )


def create_holds() -> None:
    op.create_table(
        "wallet_holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("captured_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("reference_type", sa.String(), nullable=True),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("initiator_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_wallet_holds_amount_positive")),
        sa.CheckConstraint(
            "captured_amount BETWEEN 0 AND amount AND (status = 'CAPTURED') = (captured_amount > 0)",
            name=op.f("ck_wallet_holds_captured_within_amount"),
        ),
        sa.CheckConstraint(
            "status IN ('ACTIVE', 'CAPTURED', 'VOIDED', 'EXPIRED') AND (status = 'ACTIVE') = (closed_at IS NULL)",
            name=op.f("ck_wallet_holds_status_known"),
        ),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallets.id"], name="fk_wallet_holds_wallet_id"),
        sa.ForeignKeyConstraint(["payee_id"], ["users.id"], name="fk_wallet_holds_payee_id"),
        sa.ForeignKeyConstraint(
            ["initiator_id"], ["users.id"], name="fk_wallet_holds_initiator_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_wallet_holds"),
    )
    op.create_index("ix_wallet_holds_wallet", "wallet_holds", ["wallet_id", "id"])
    op.create_index("ix_wallet_holds_payee", "wallet_holds", ["payee_id", "id"])
    op.create_index("ix_wallet_holds_reference", "wallet_holds", ["reference_type", "reference_id"])
    op.create_index(
        "ix_wallet_holds_active",
        "wallet_holds",
        ["wallet_id"],
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.create_index(
        "ix_wallet_holds_expiring",
        "wallet_holds",
        ["expires_at"],
        postgresql_where=sa.text("status = 'ACTIVE' AND expires_at IS NOT NULL"),
    )
    op.create_index(
        "uq_wallet_holds_key",
        "wallet_holds",
        ["initiator_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )


def downgrade() -> None:
    kinds = "', '".join((*NEW_KINDS, "INCOMING", "OUTGOING"))
    op.execute(f"DELETE FROM wallet_limits WHERE type IN ('{kinds}')")
    op.drop_constraint(op.f("ck_wallet_limits_type_limited"), "wallet_limits")
    op.create_check_constraint(
        op.f("ck_wallet_limits_type_limited"), "wallet_limits", "type IN ('DEPOSIT', 'WITHDRAWAL')"
    )
    op.drop_index("ix_wallet_transactions_limited", table_name="wallet_transactions")
    op.create_index(
        "ix_wallet_transactions_limited",
        "wallet_transactions",
        ["wallet_id", "type", "created_at"],
        postgresql_where=sa.text("type IN ('DEPOSIT', 'WITHDRAWAL')"),
    )
    op.drop_table("wallet_holds")
    op.drop_constraint(op.f("ck_wallets_user_has_number"), "wallets")
    op.drop_constraint("uq_wallets_number", "wallets")
    op.drop_column("wallets", "number")
    op.execute("DROP FUNCTION new_wallet_number()")
