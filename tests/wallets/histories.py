"""Long wallet histories, inserted by SQL such that the books balance."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from app.common import clock
from app.common.db import transaction

# The rows that the ledger writes for deposits, with every third movement a withdrawal.
_HISTORY = """
    CREATE TEMP TABLE moves AS
    SELECT uuidv7() AS entry, uuidv7() AS posting, w.id AS wallet, w.user_id,
        w.sequence + n AS sequence, CASE n % 3 WHEN 0 THEN -1 ELSE 1 END AS amount,
        w.balance + n / 3 + n % 3 AS balance,
        CASE n % 3 WHEN 0 THEN 'WITHDRAWAL' ELSE 'DEPOSIT' END AS type,
        CASE n % 3 WHEN 0 THEN coalesce((w.totals->'WITHDRAWAL'->>0)::bigint, 0) + n / 3
            ELSE coalesce((w.totals->'DEPOSIT'->>0)::bigint, 0) + n - n / 3 END AS total,
        CAST(:first AS timestamptz) + (n - 1) * CAST(:apart AS interval) AS time
    FROM wallets w CROSS JOIN generate_series(1, CAST(:count AS bigint)) AS n
    WHERE w.user_id = :user_id;

    WITH entries AS (
        INSERT INTO journal_entries (id, kind, initiator_id, created_at)
        SELECT entry, type, user_id, time FROM moves
    ), balances AS (
        UPDATE wallets w SET balance = m.balance, sequence = m.sequence, updated_at = m.time,
            totals = w.totals || (SELECT jsonb_object_agg(type, jsonb_build_array(total, total))
                FROM (SELECT type, max(total) AS total FROM moves GROUP BY type) last)
        FROM (SELECT * FROM moves ORDER BY sequence DESC LIMIT 1) m WHERE w.id = m.wallet
    )
    INSERT INTO wallet_transactions (id, journal_entry_id, wallet_id, sequence, type, status,
        amount, balance_before, balance_after, currency, description, created_at, type_total,
        uncoded_total)
    SELECT posting, entry, wallet, sequence, type, 'COMPLETED', amount, balance - amount, balance,
        'USD', 'Movement ' || sequence, time, total, total FROM moves
    UNION ALL
    SELECT uuidv7(), entry, bank.id, NULL, type, 'COMPLETED', -amount, NULL, NULL, 'USD', NULL,
        time, NULL, NULL
    FROM moves CROSS JOIN wallets bank WHERE bank.code = 'BANK' AND bank.currency = 'USD';

    INSERT INTO outbox_events (id, type, aggregate_type, aggregate_id, version, data, occurred_at)
    SELECT uuidv7(), 'balance-updated', 'wallet', wallet, sequence,
        jsonb_build_object('transactionId', posting), time FROM moves;

    DROP TABLE moves
"""


def add_history(
    user_id: UUID,
    *,
    count: int,
    first: datetime | None = None,
    apart: timedelta = timedelta(seconds=1),
) -> None:
    """Add `count` postings of a cent to a wallet: two deposits, a withdrawal, and so on.

    first: time of the first, by default 40 days ago. apart: time between two.
    """
    values = {
        "user_id": user_id,
        "count": count,
        "first": first or clock.now() - timedelta(days=40),
        "apart": apart,
    }
    with transaction() as session:
        for statement in _HISTORY.split(";"):
            session.execute(text(statement), values)
