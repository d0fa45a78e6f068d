"""Guard the ledger: append-only tables, entries that sum to zero, house accounts, limits."""

from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
from alembic import op
from uuid_utils.compat import uuid7

revision = "0002_guard_ledger"
down_revision = "0001_core"

APPEND_ONLY = ("journal_entries", "wallet_transactions", "restocks", "audit_log")
CURRENCIES = ("USD", "EUR", "GBP", "INR", "EGP", "JPY", "KWD")
HOUSE = uuid5(NAMESPACE_URL, "payment-flow:system-wallet")

#: Generous, so that they stop a runaway program and not a person. In cents.
LIMITS = {"DAY": 100_000_000, "MONTH": 1_000_000_000}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'restrict_violation';
        END $$
    """)
    for table in APPEND_ONLY:
        op.execute(f"""
            CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """)

    # At commit, when all postings of the entry are there. Both ends are watched: an entry
    # without postings is as wrong as postings that do not balance.
    op.execute("""
        CREATE FUNCTION require_balanced_entry() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            entry uuid;
            postings integer;
            unbalanced integer;
        BEGIN
            IF TG_TABLE_NAME = 'journal_entries' THEN
                entry := NEW.id;
            ELSE
                entry := NEW.journal_entry_id;
            END IF;
            SELECT coalesce(sum(n), 0), count(*) FILTER (WHERE total <> 0)
            INTO postings, unbalanced
            FROM (
                SELECT count(*) AS n, sum(amount) AS total FROM wallet_transactions
                WHERE journal_entry_id = entry GROUP BY currency
            ) AS by_currency;
            IF postings < 2 OR unbalanced > 0 THEN
                RAISE EXCEPTION 'journal entry % does not sum to zero', entry
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'ck_journal_entries_sums_to_zero';
            END IF;
            RETURN NULL;
        END $$
    """)
    for table in ("journal_entries", "wallet_transactions"):
        op.execute(f"""
            CREATE CONSTRAINT TRIGGER require_balanced_entry AFTER INSERT ON {table}
            DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION require_balanced_entry()
        """)

    wallets = sa.table(
        "wallets", *map(sa.column, ("id", "kind", "code", "currency", "created_at", "updated_at"))
    )
    op.execute(
        wallets.insert().values(
            [
                {
                    "id": uuid5(HOUSE, f"{code}/{currency}"),
                    "kind": "SYSTEM",
                    "code": code,
                    "currency": currency,
                    "created_at": sa.func.now(),
                    "updated_at": sa.func.now(),
                }
                for code in ("BANK", "FEES", "ESCROW")
                for currency in CURRENCIES
            ]
        )
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
                for kind in ("DEPOSIT", "WITHDRAWAL")
                for window, amount in LIMITS.items()
            ]
        )
    )


def downgrade() -> None:
    for table in ("journal_entries", "wallet_transactions"):
        op.execute(f"DROP TRIGGER require_balanced_entry ON {table}")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER refuse_change ON {table}")
    op.execute("DROP FUNCTION require_balanced_entry()")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DELETE FROM wallet_limits WHERE role IS NOT NULL")
    op.execute("DELETE FROM wallets WHERE kind = 'SYSTEM'")
