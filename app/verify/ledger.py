"""The ledger: postings, balances, keys, limits, events."""

from typing import Final

from app.verify.invariant import Invariant
from app.wallets.models import DIRECTIONS, LIMITED, LIMITED_TYPES, TOTALS_MODULUS, WINDOWS

_DIRECTIONS: Final = ", ".join(
    f"('{limit}', '{kind}')" for limit, kinds in DIRECTIONS.items() for kind in kinds
)
_WINDOWS: Final = ", ".join(
    f"('{window}', interval '{length.total_seconds():.0f} seconds')"
    for window, length in WINDOWS.items()
)

#: Where a wallet's totals of a type have a total, and what it was before a window of that length.
_BASELINES: Final = ", ".join(
    f"({total}, {before}, interval '{length.total_seconds():.0f} seconds')"
    for before, (total, length) in enumerate(
        [*((0, length) for length in WINDOWS.values()), (1, min(WINDOWS.values()))], start=2
    )
)

_LIMITED_TYPES: Final = ", ".join(f"('{kind}')" for kind in LIMITED_TYPES)

#: What a user and key did.
_EFFECTS: Final = """
    SELECT initiator_id, idempotency_key, true AS moved, id FROM journal_entries
    UNION ALL SELECT initiator_id, idempotency_key, true, id FROM wallet_holds
    UNION ALL SELECT user_id, idempotency_key, true, id FROM onramps
"""

INVARIANTS: Final = (
    Invariant(
        "Every journal entry sums to zero per currency",
        """
        SELECT journal_entry_id, currency, sum(amount) FROM wallet_transactions
        WHERE journal_entry_id >= :first GROUP BY journal_entry_id, currency HAVING sum(amount) <> 0
        """,
    ),
    Invariant(
        "All postings together sum to zero per currency",
        "SELECT currency, sum(amount) FROM wallet_transactions"
        " WHERE journal_entry_id >= :first GROUP BY currency HAVING sum(amount) <> 0",
    ),
    Invariant(
        "A wallet's balance is the sum of its postings",
        """
        SELECT w.id, w.balance, coalesce(sum(t.amount), 0) FROM wallets w
        LEFT JOIN wallet_transactions t ON t.wallet_id = w.id
        WHERE w.kind = 'USER' GROUP BY w.id HAVING w.balance <> coalesce(sum(t.amount), 0)
        """,
        # Each posting continues the one before it, so the last one has the sum of all.
        since_sql="""
        SELECT w.id, w.balance, t.balance_after FROM wallets w
        LEFT JOIN wallet_transactions t ON t.wallet_id = w.id AND t.sequence = w.sequence
        WHERE w.kind = 'USER' AND w.balance <> coalesce(t.balance_after, 0)
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
        since_sql="""
        SELECT t.id FROM wallet_transactions t LEFT JOIN wallet_transactions p
            ON p.wallet_id = t.wallet_id AND p.sequence = t.sequence - 1
        WHERE t.journal_entry_id >= :first AND t.sequence IS NOT NULL
            AND (t.balance_before <> coalesce(p.balance_after, 0)
                OR t.balance_after <> t.balance_before + t.amount)
        """,
    ),
    Invariant(
        "A posting's totals are the sums of its type in its wallet",
        f"""
        SELECT id FROM (
            SELECT id, type_total, uncoded_total, sum(abs(amount)) OVER until AS total,
                coalesce(sum(abs(amount)) FILTER (WHERE NOT with_code) OVER until, 0) AS uncoded
            FROM wallet_transactions WHERE sequence IS NOT NULL AND type IN {LIMITED}
            WINDOW until AS (PARTITION BY wallet_id, type ORDER BY sequence)
        ) AS t
        WHERE type_total IS DISTINCT FROM total % {TOTALS_MODULUS}
            OR uncoded_total IS DISTINCT FROM uncoded % {TOTALS_MODULUS}
        """,  # noqa: S608 – constants of the limits
        since_sql=f"""
        SELECT t.id FROM wallet_transactions t LEFT JOIN LATERAL (
            SELECT p.type_total, p.uncoded_total FROM wallet_transactions p
            WHERE p.wallet_id = t.wallet_id AND p.type = t.type AND p.type IN {LIMITED}
                AND p.created_at <= t.created_at AND p.sequence < t.sequence
            ORDER BY p.created_at DESC, p.sequence DESC LIMIT 1
        ) p ON true
        WHERE t.journal_entry_id >= :first AND t.sequence IS NOT NULL AND t.type IN {LIMITED}
            AND (t.type_total IS DISTINCT FROM
                    (coalesce(p.type_total, 0) + abs(t.amount)::numeric) % {TOTALS_MODULUS}
                OR t.uncoded_total IS DISTINCT FROM (coalesce(p.uncoded_total, 0)
                    + CASE WHEN t.with_code THEN 0 ELSE abs(t.amount)::numeric END)
                        % {TOTALS_MODULUS})
        """,  # noqa: S608 – constants of the limits
    ),
    Invariant(
        "A wallet has the totals of its last postings",
        # One step in an index for each wallet and type, so every run checks all wallets.
        f"""
        SELECT w.id FROM wallets w CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(last.type, jsonb_build_array(type_total, uncoded_total))
            FROM (VALUES {_LIMITED_TYPES}) AS kind (type) CROSS JOIN LATERAL (
                SELECT t.type, t.type_total, t.uncoded_total FROM wallet_transactions t
                WHERE t.wallet_id = w.id AND t.type = kind.type AND t.type IN {LIMITED}
                ORDER BY t.created_at DESC, t.sequence DESC LIMIT 1
            ) AS last
        ) AS posted (totals)
        WHERE w.kind = 'USER' AND coalesce(posted.totals, '{{}}') <> coalesce((
            SELECT jsonb_object_agg(key, jsonb_build_array(value->0, value->1))
            FROM jsonb_each(w.totals)
        ), '{{}}')
        """,  # noqa: S608 – constants of the limits
    ),
    Invariant(
        "A wallet's stored totals of earlier windows are not above those before the current ones",
        # One step in an index for each wallet, type and window that has one.
        f"""
        SELECT w.id FROM wallets w CROSS JOIN LATERAL jsonb_each(w.totals) AS kind (type, totals)
        CROSS JOIN (VALUES {_BASELINES}) AS stored (total, before, length)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN stored.total = 0 THEN t.type_total - abs(t.amount)
                WHEN t.with_code THEN t.uncoded_total
                ELSE t.uncoded_total - abs(t.amount) END AS total
            FROM wallet_transactions t
            WHERE t.wallet_id = w.id AND t.type = kind.type AND t.type IN {LIMITED}
                AND t.created_at > now() - stored.length
            ORDER BY t.created_at, t.sequence LIMIT 1
        ) AS before
        WHERE kind.totals->stored.before <> 'null'
            AND mod({TOTALS_MODULUS} + (kind.totals->>stored.total)::numeric
                    - (kind.totals->>stored.before)::numeric, {TOTALS_MODULUS})
                < mod({TOTALS_MODULUS} + (kind.totals->>stored.total)::numeric
                    - before.total, {TOTALS_MODULUS})
        """,  # noqa: S608 – constants of the limits
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
        since_sql="""
        SELECT t.id FROM wallet_transactions t JOIN wallet_transactions p
            ON p.wallet_id = t.wallet_id AND p.sequence = t.sequence - 1
        WHERE t.journal_entry_id >= :first AND t.created_at < p.created_at
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
        since_sql="""
        SELECT w.id, w.sequence FROM wallets w
        JOIN wallet_transactions t ON t.wallet_id = w.id AND t.journal_entry_id >= :first
        LEFT JOIN wallet_transactions p ON p.wallet_id = w.id AND p.sequence = t.sequence - 1
        WHERE w.kind = 'USER'
        GROUP BY w.id
        HAVING max(t.sequence) <> w.sequence
            OR count(*) <> max(t.sequence) - min(t.sequence) + 1
            OR count(*) FILTER (WHERE t.sequence > 1 AND p.id IS NULL) > 0
        """,
    ),
    Invariant(
        "Postings are in the currency of their wallet",
        """
        SELECT t.id FROM wallet_transactions t JOIN wallets w ON w.id = t.wallet_id
        WHERE t.journal_entry_id >= :first
            AND (t.currency <> w.currency OR (t.sequence IS NULL) <> (w.kind = 'SYSTEM'))
        """,
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
        f"""
        SELECT initiator_id, idempotency_key FROM ({_EFFECTS}) AS effects
        WHERE idempotency_key IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1
        """,  # noqa: S608 – a query from our own code
        since_sql=f"""
        SELECT recent.initiator_id, recent.idempotency_key
        FROM ({_EFFECTS}) AS recent JOIN ({_EFFECTS}) AS other
            ON other.initiator_id = recent.initiator_id
            AND other.idempotency_key = recent.idempotency_key AND other.id <> recent.id
        WHERE recent.id >= :first AND recent.idempotency_key IS NOT NULL
            AND other.idempotency_key IS NOT NULL
        """,  # noqa: S608 – a query from our own code
    ),
    Invariant(
        # A key without a response belongs to an order whose checkout session is being created. If
        # that fails, order and error have the same key.
        "A stored success has its effect; a stored error moved no money",
        f"""
        WITH effects AS (
            {_EFFECTS}
            UNION ALL
            SELECT user_id, idempotency_key, completed_at IS NOT NULL, id FROM orders
            UNION ALL SELECT initiator_id, idempotency_key, true, id FROM refunds
        ), effect AS (
            SELECT initiator_id, idempotency_key, bool_or(moved) AS moved FROM effects
            WHERE id >= :related AND idempotency_key IS NOT NULL GROUP BY 1, 2
        )
        SELECT k.user_id, k.key FROM idempotency_keys k LEFT JOIN effect
            ON effect.initiator_id = k.user_id AND effect.idempotency_key = k.key
        WHERE k.created_at >= :since AND k.moves_money
            AND CASE WHEN k.status >= 300 THEN effect.moved ELSE effect.initiator_id IS NULL END
        """,  # noqa: S608 – a query from our own code
    ),
    Invariant(
        "Every journal entry has at least two postings",
        """
        SELECT j.id FROM journal_entries j LEFT JOIN wallet_transactions t
            ON t.journal_entry_id = j.id
        WHERE j.id >= :first GROUP BY j.id HAVING count(t.id) < 2
        """,
    ),
    Invariant(
        "Every debit has its order, refund, hold, transfer, payout or withdrawal",
        """
        SELECT t.id FROM wallet_transactions t JOIN wallets w ON w.id = t.wallet_id
        WHERE t.journal_entry_id >= :first
            AND w.kind = 'USER' AND t.amount < 0 AND t.type <> 'WITHDRAWAL'
            AND (t.reference_id IS NULL OR coalesce(t.reference_type, '')
                NOT IN ('order', 'refund', 'hold', 'transfer', 'payout'))
        """,
    ),
    Invariant(
        # A hold that was created before the limit was set may be captured after it. Money from a
        # bank is never rejected, so it counts towards the total but may exceed the limit. The
        # limit of a role applies to a user once their custom limit is removed.
        "Totals per user and window never exceed the limits in effect",
        #
        # A posting adds its amount to the use of a limit when it is posted, and takes it away when
        # the window ends. So the use is a running sum: one sort, however many postings a window
        # has. Limits that all postings together do not reach are left out before it.
        f"""
        WITH covered (limit_type, type) AS (
            SELECT DISTINCT type, type FROM wallet_limits WHERE type NOT IN ('INCOMING', 'OUTGOING')
            UNION ALL
            VALUES {_DIRECTIONS}
        ), windows (name, length) AS (
            VALUES {_WINDOWS}
        ), posted AS (
            SELECT t.id, t.wallet_id, t.type, t.reference_id, t.created_at, abs(t.amount) AS amount
            FROM wallet_transactions t JOIN wallets w ON w.id = t.wallet_id
            WHERE w.kind = 'USER' AND t.journal_entry_id >= :window
                AND t.type IN (SELECT type FROM covered)
        ), total AS (
            SELECT wallet_id, type, sum(amount) AS amount FROM posted GROUP BY 1, 2
        ), reached AS (
            SELECT row_number() OVER () AS n, limited.*, windows.length,
                windows.name AS "window", l.maximum, l.updated_at
            FROM (
                SELECT t.wallet_id, w.user_id, u.role, w.currency, c.limit_type,
                    array_agg(t.type) AS types, sum(t.amount) AS amount
                FROM total t JOIN covered c ON c.type = t.type
                JOIN wallets w ON w.id = t.wallet_id JOIN users u ON u.id = w.user_id
                GROUP BY 1, 2, 3, 4, 5
            ) AS limited
            CROSS JOIN windows
            JOIN LATERAL (
                SELECT l.amount AS maximum, l.updated_at FROM wallet_limits l
                WHERE l.type = limited.limit_type AND l."window" = windows.name
                    AND l.currency = limited.currency
                    AND (l.user_id = limited.user_id OR l.role = limited.role)
                ORDER BY l.user_id NULLS LAST LIMIT 1
            ) AS l ON l.maximum < limited.amount
        ), change AS (
            SELECT r.n, p.created_at AS at, p.amount, p.id
            FROM posted p JOIN reached r ON r.wallet_id = p.wallet_id AND p.type = ANY(r.types)
            UNION ALL
            SELECT r.n, p.created_at + r.length, -p.amount, NULL
            FROM posted p JOIN reached r ON r.wallet_id = p.wallet_id AND p.type = ANY(r.types)
        ), used AS (
            SELECT n, id, sum(amount) OVER (PARTITION BY n ORDER BY at) AS amount FROM change
        )
        SELECT p.id FROM used
        JOIN reached r ON r.n = used.n AND r.maximum < used.amount
        JOIN posted p ON p.id = used.id
        LEFT JOIN wallet_holds h ON h.status = 'CAPTURED' AND h.wallet_id = p.wallet_id
            AND h.type = p.type
            AND CASE p.type WHEN 'PAYMENT' THEN h.id ELSE h.reference_id END = p.reference_id
        WHERE p.id >= :first AND p.type <> 'ONRAMP'
            AND coalesce(h.created_at, p.created_at) > r.updated_at
            AND NOT EXISTS (
                SELECT FROM audit_log a WHERE a.action = 'limit.remove' AND a.target_id = r.user_id
                    AND a.details->>'type' = r.limit_type AND a.details->>'window' = r."window"
                    AND a.details->>'currency' = r.currency
                    AND a.created_at >= coalesce(h.created_at, p.created_at))
        """,  # noqa: S608 – constants of the limits
    ),
    Invariant(
        "Every money operation has its outbox event",
        """
        SELECT t.id FROM wallet_transactions t LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_id = t.wallet_id AND e.type = 'balance-updated'
            AND e.data->>'transactionId' = t.id::text
        WHERE t.journal_entry_id >= :recorded AND t.sequence IS NOT NULL AND e.id IS NULL
        UNION ALL
        SELECT o.id FROM orders o LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_id = o.id AND e.type = 'order-completed'
        WHERE o.id >= :recorded AND o.status = 'COMPLETED' AND e.id IS NULL
        """,
    ),
)
