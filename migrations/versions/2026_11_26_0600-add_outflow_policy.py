"""Add what the outflow policy reads: payees, which debits had a code, and limits on purchases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from uuid_utils.compat import uuid7

revision = "0026_outflow_policy"
down_revision = "0025_unanswered_keys"

BEFORE = "('DEPOSIT', 'WITHDRAWAL', 'ONRAMP', 'PAYOUT', 'TRANSFER_IN', 'TRANSFER_OUT')"
LIMITED = "('DEPOSIT', 'WITHDRAWAL', 'ONRAMP', 'PAYOUT', 'TRANSFER_IN', 'TRANSFER_OUT', 'PAYMENT')"

#: As for every other type: they stop a runaway program and not a person. Per day, in minor units;
#: ten times as much in 30 days.
PER_DAY = {
    "USD": 100_000_000,
    "EUR": 100_000_000,
    "GBP": 100_000_000,
    "INR": 10_000_000_000,
    "EGP": 5_000_000_000,
    "JPY": 150_000_000,
    "KWD": 300_000_000,
}

INDEX = ["wallet_id", "type", "created_at", "sequence"]
TOTALS = ["type_total", "uncoded_total"]

#: The running total of each type in each wallet, which starts again at zero instead of exceeding
#: 64 bits. No posting had a code yet.
BACKFILL_POSTINGS = f"""
    UPDATE wallet_transactions t SET type_total = running.total, uncoded_total = running.total
    FROM (
        SELECT id, sum(abs(amount)) OVER (PARTITION BY wallet_id, type ORDER BY sequence)
            % {2**63} AS total
        FROM wallet_transactions WHERE sequence IS NOT NULL AND type IN {LIMITED}
    ) running
    WHERE running.id = t.id
"""
BACKFILL_WALLETS = """
    UPDATE wallets w SET totals = moved.totals
    FROM (
        SELECT wallet_id, jsonb_object_agg(type, jsonb_build_array(type_total, type_total)) AS totals
        FROM (
            SELECT DISTINCT ON (wallet_id, type) wallet_id, type, type_total
            FROM wallet_transactions WHERE type_total IS NOT NULL
            ORDER BY wallet_id, type, sequence DESC
        ) last
        GROUP BY wallet_id
    ) moved
    WHERE moved.wallet_id = w.id
"""

#: Whom each user has paid before, or reserved money for.
BACKFILL = """
    INSERT INTO payees (payer_id, payee_id, first_paid_at)
    SELECT payer_id, payee_id, min(paid_at) FROM (
        SELECT sender_id AS payer_id, receiver_id AS payee_id, created_at AS paid_at FROM transfers
        UNION ALL
        SELECT user_id, merchant_id, completed_at FROM orders
        WHERE payment_method = 'WALLET' AND completed_at IS NOT NULL AND amount > 0
        UNION ALL
        SELECT initiator_id, payee_id, created_at FROM wallet_holds WHERE payee_id IS NOT NULL
    ) AS paid
    GROUP BY payer_id, payee_id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("wallet_transactions", "wallet_holds"):
        op.add_column(
            table,
            sa.Column("with_code", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        )
    op.add_column(
        "two_factors", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True)
    )
    create_payees()
    add_totals()
    limit_types(LIMITED, index=INDEX, include=["amount", "with_code", *TOTALS])
    for currency, amount in PER_DAY.items():
        for window, times in (("DAY", 1), ("MONTH", 10)):
            for role in ("USER", "MERCHANT", "ADMIN"):
                op.execute(
                    sa.text("""
                        INSERT INTO wallet_limits
                            (id, role, type, "window", currency, amount, updated_at)
                        VALUES (:id, :role, 'PAYMENT', :window, :currency, :amount, now())
                    """).bindparams(
                        id=uuid7(),
                        role=role,
                        window=window,
                        currency=currency,
                        amount=amount * times,
                    )
                )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM wallet_limits WHERE type = 'PAYMENT'")
    op.drop_constraint(op.f("ck_wallet_transactions_limited_has_totals"), "wallet_transactions")
    limit_types(BEFORE, index=INDEX[:3], include=None)
    for total in TOTALS:
        op.drop_column("wallet_transactions", total)
    op.drop_column("wallets", "totals")
    op.drop_table("payees")
    op.drop_column("two_factors", "last_used_at")
    for table in ("wallet_holds", "wallet_transactions"):
        op.drop_column(table, "with_code")


def create_payees() -> None:
    op.create_table(
        "payees",
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("first_paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["payer_id"], ["users.id"], name="fk_payees_payer_id"),
        sa.ForeignKeyConstraint(["payee_id"], ["users.id"], name="fk_payees_payee_id"),
        sa.PrimaryKeyConstraint("payer_id", "payee_id", name="pk_payees"),
    )
    op.execute(BACKFILL)
    op.execute("""
        CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON payees
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)


def add_totals() -> None:
    """The totals of old postings are computed once: without a trigger, which refuses changes."""
    op.add_column(
        "wallets",
        sa.Column("totals", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
    )
    for total in TOTALS:
        op.add_column("wallet_transactions", sa.Column(total, sa.BigInteger(), nullable=True))
    op.execute("ALTER TABLE wallet_transactions DISABLE TRIGGER refuse_change")
    op.execute(BACKFILL_POSTINGS)
    op.execute("ALTER TABLE wallet_transactions ENABLE TRIGGER refuse_change")
    op.execute(BACKFILL_WALLETS)
    op.create_check_constraint(
        op.f("ck_wallet_transactions_limited_has_totals"),
        "wallet_transactions",
        f"(sequence IS NOT NULL AND type IN {LIMITED}) = (type_total IS NOT NULL)"
        " AND (type_total IS NULL) = (uncoded_total IS NULL)",
    )


def limit_types(types: str, *, index: list[str], include: list[str] | None) -> None:
    """Limit postings of these types. index: its columns; include: those it only contains."""
    op.drop_index("ix_wallet_transactions_limited", table_name="wallet_transactions")
    op.create_index(
        "ix_wallet_transactions_limited",
        "wallet_transactions",
        index,
        postgresql_include=include,
        postgresql_where=sa.text(f"type IN {types}"),
    )
    op.drop_constraint(op.f("ck_wallet_limits_type_limited"), "wallet_limits")
    op.create_check_constraint(
        op.f("ck_wallet_limits_type_limited"),
        "wallet_limits",
        f"type IN {types} OR type IN ('INCOMING', 'OUTGOING')",
    )
