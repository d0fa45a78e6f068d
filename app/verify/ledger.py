"""The ledger: postings, balances, keys, limits, events."""

from typing import Final

from app.verify.invariant import Invariant
from app.wallets.models import DIRECTIONS, WINDOWS, LimitWindow

_DIRECTIONS = ", ".join(
    f"('{limit}', '{kind}')" for limit, kinds in DIRECTIONS.items() for kind in kinds
)
_DAY, _MONTH = (
    f"interval '{WINDOWS[window].days} days'" for window in (LimitWindow.DAY, LimitWindow.MONTH)
)

INVARIANTS: Final = (
    Invariant(
        "Every journal entry sums to zero per currency",
        """
        SELECT journal_entry_id, currency, sum(amount) FROM wallet_transactions
        GROUP BY journal_entry_id, currency HAVING sum(amount) <> 0
        """,
    ),
    Invariant(
        "All postings together sum to zero per currency",
        "SELECT currency, sum(amount) FROM wallet_transactions"
        " GROUP BY currency HAVING sum(amount) <> 0",
    ),
    Invariant(
        "A wallet's balance is the sum of its postings",
        """
        SELECT w.id, w.balance, coalesce(sum(t.amount), 0) FROM wallets w
        LEFT JOIN wallet_transactions t ON t.wallet_id = w.id
        WHERE w.kind = 'USER' GROUP BY w.id HAVING w.balance <> coalesce(sum(t.amount), 0)
        """,
    ),
    Invariant(
        "Each posting starts where the one before it ended",
        """
        SELECT id FROM (
            SELECT id, amount, balance_before, balance_after,
                lag(balance_after, 1, 0::bigint)
                    OVER (PARTITION BY wallet_id ORDER BY sequence) AS was
            FROM wallet_transactions WHERE sequence IS NOT NULL
        ) AS t WHERE balance_before <> was OR balance_after <> balance_before + amount
        """,
    ),
    Invariant(
        "A wallet's postings are in chronological order",
        """
        SELECT id FROM (
            SELECT id, created_at, lag(created_at, 1, created_at)
                OVER (PARTITION BY wallet_id ORDER BY sequence) AS before
            FROM wallet_transactions WHERE sequence IS NOT NULL
        ) AS t WHERE created_at < before
        """,
    ),
    Invariant(
        "Sequence numbers have no gaps and end at the wallet's sequence",
        """
        SELECT w.id, w.sequence FROM wallets w LEFT JOIN wallet_transactions t ON t.wallet_id = w.id
        WHERE w.kind = 'USER' GROUP BY w.id
        HAVING w.sequence <> count(t.id) OR w.sequence <> coalesce(max(t.sequence), 0)
            OR coalesce(min(t.sequence), 1) <> 1
        """,
    ),
    Invariant(
        "Postings are in the currency of their wallet",
        "SELECT t.id FROM wallet_transactions t JOIN wallets w ON w.id = t.wallet_id"
        " WHERE t.currency <> w.currency OR (t.sequence IS NULL) <> (w.kind = 'SYSTEM')",
    ),
    Invariant(
        "No user's wallet is negative; the held amount is between 0 and the balance",
        "SELECT id FROM wallets"
        " WHERE kind = 'USER' AND (balance < 0 OR held < 0 OR held > balance)",
    ),
    Invariant(
        "A wallet's held amount is the sum of its active holds",
        """
        SELECT w.id, w.held FROM wallets w LEFT JOIN wallet_holds h
            ON h.wallet_id = w.id AND h.status = 'ACTIVE'
        GROUP BY w.id HAVING w.held <> coalesce(sum(h.amount), 0)
        """,
    ),
    Invariant(
        "An idempotency key has at most one effect",
        """
        SELECT initiator_id, idempotency_key FROM (
            SELECT initiator_id, idempotency_key FROM journal_entries
            UNION ALL SELECT initiator_id, idempotency_key FROM wallet_holds
            UNION ALL SELECT user_id, idempotency_key FROM onramps
        ) AS effects WHERE idempotency_key IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1
        """,
    ),
    Invariant(
        # An order whose checkout session was not created keeps its key, so a later error may too.
        "A stored success has its effect; a stored error moved no money",
        """
        SELECT k.user_id, k.key FROM idempotency_keys k LEFT JOIN (
            SELECT initiator_id, idempotency_key, true AS moved FROM journal_entries
            UNION SELECT initiator_id, idempotency_key, true FROM wallet_holds
            UNION SELECT user_id, idempotency_key, true FROM onramps
            UNION SELECT user_id, idempotency_key, completed_at IS NOT NULL FROM orders
            UNION SELECT initiator_id, idempotency_key, true FROM refunds
        ) AS effect ON effect.initiator_id = k.user_id AND effect.idempotency_key = k.key
        WHERE CASE WHEN k.status < 300 THEN effect.initiator_id IS NULL ELSE effect.moved END
        """,
    ),
    Invariant(
        "Every journal entry has at least two postings",
        """
        SELECT j.id FROM journal_entries j LEFT JOIN wallet_transactions t
            ON t.journal_entry_id = j.id GROUP BY j.id HAVING count(t.id) < 2
        """,
    ),
    Invariant(
        "Every debit has its order, refund, hold, transfer, payout or withdrawal",
        """
        SELECT t.id FROM wallet_transactions t JOIN wallets w ON w.id = t.wallet_id
        WHERE w.kind = 'USER' AND t.amount < 0 AND t.type <> 'WITHDRAWAL'
            AND (t.reference_id IS NULL OR coalesce(t.reference_type, '')
                NOT IN ('order', 'refund', 'hold', 'transfer', 'payout'))
        """,
    ),
    Invariant(
        # A hold that was created before the limit was set may be captured after it. Money from a
        # bank is never rejected, so it counts towards the total but may exceed the limit. The
        # limit of a role applies to a user once their custom limit is removed.
        "Totals per user and window never exceed the limits in effect",
        f"""
        WITH covered (limit_type, type) AS (
            SELECT DISTINCT type, type FROM wallet_limits WHERE type NOT IN ('INCOMING', 'OUTGOING')
            UNION ALL
            VALUES {_DIRECTIONS}
        ), moved AS (
            SELECT t.id, t.wallet_id, t.type, t.currency, t.reference_id, t.created_at,
                c.limit_type, sum(abs(t.amount)) OVER day AS day,
                sum(abs(t.amount)) OVER month AS month
            FROM wallet_transactions t JOIN covered c ON c.type = t.type
            WINDOW
                day AS (PARTITION BY t.wallet_id, c.limit_type ORDER BY t.created_at
                    RANGE BETWEEN {_DAY} - interval '1 microsecond' PRECEDING
                        AND CURRENT ROW),
                month AS (PARTITION BY t.wallet_id, c.limit_type ORDER BY t.created_at
                    RANGE BETWEEN {_MONTH} - interval '1 microsecond' PRECEDING
                        AND CURRENT ROW)
        )
        SELECT m.id FROM moved m
        JOIN wallets w ON w.id = m.wallet_id JOIN users u ON u.id = w.user_id
        LEFT JOIN wallet_holds h ON h.status = 'CAPTURED' AND h.wallet_id = m.wallet_id
            AND h.type = m.type AND h.reference_id = m.reference_id
        CROSS JOIN LATERAL (VALUES ('DAY', m.day), ('MONTH', m.month)) AS windows (name, used)
        JOIN LATERAL (
            SELECT amount, updated_at FROM wallet_limits l
            WHERE l.type = m.limit_type AND l."window" = windows.name AND l.currency = m.currency
                AND (l.user_id = u.id OR l.role = u.role)
            ORDER BY l.user_id NULLS LAST LIMIT 1
        ) AS l ON coalesce(h.created_at, m.created_at) > l.updated_at
        WHERE m.type <> 'ONRAMP' AND l.amount < windows.used
            AND NOT EXISTS (
                SELECT FROM audit_log a WHERE a.action = 'limit.remove' AND a.target_id = u.id
                    AND a.details->>'type' = m.limit_type AND a.details->>'window' = windows.name
                    AND a.details->>'currency' = m.currency
                    AND a.created_at >= coalesce(h.created_at, m.created_at))
        """,  # noqa: S608 – constants of the limits
    ),
    Invariant(
        "Every money operation has its outbox event",
        """
        SELECT t.id FROM wallet_transactions t LEFT JOIN outbox_events e
            ON e.aggregate_id = t.wallet_id AND e.type = 'balance-updated'
            AND e.data->>'transactionId' = t.id::text
        WHERE t.sequence IS NOT NULL AND e.id IS NULL
        UNION ALL
        SELECT o.id FROM orders o LEFT JOIN outbox_events e
            ON e.aggregate_id = o.id AND e.type = 'order-completed'
        WHERE o.status = 'COMPLETED' AND e.id IS NULL
        """,
    ),
)
