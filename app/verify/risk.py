"""Decisions of risk screening, and payments under review."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "The totals of a user's risk decisions follow from each other",
        """
        SELECT id FROM (
            SELECT d.*,
                lag(ordinal) OVER w AS before, lag(count_total) OVER w AS count_before,
                lag(sum_total) OVER w AS sum_before, lag(refused_total) OVER w AS refused_before
            FROM risk_decisions d
            WINDOW w AS (PARTITION BY user_id, currency ORDER BY created_at, ordinal)
        ) d
        WHERE before IS NOT NULL AND (ordinal <> before + 1
            OR count_total <> count_before + CASE WHEN code IS NULL THEN 1 ELSE 0 END
            OR refused_total <> refused_before + CASE WHEN code IS NULL THEN 0 ELSE 1 END
            OR (code IS NOT NULL AND sum_total <> sum_before)
            OR (code IS NULL AND mod(sum_total::numeric - sum_before - amount, 2::numeric ^ 63)
                <> 0))
        """,
        whole=True,
    ),
    Invariant(
        "Every risk decision has its rules, with an outcome that matches its case",
        """
        SELECT d.id FROM risk_decisions d
        LEFT JOIN risk_rulesets r ON r.version = d.ruleset
        LEFT JOIN risk_cases c ON c.decision_id = d.id
        WHERE d.id >= :first AND ((d.ruleset IS NOT NULL AND r.version IS NULL)
            OR (d.outcome = 'REVIEW') <> (c.id IS NOT NULL))
        """,
    ),
    Invariant(
        "A case agrees with its decision and its hold, which is active until it is decided",
        """
        SELECT c.id FROM risk_cases c
        LEFT JOIN risk_decisions d ON d.id = c.decision_id
        LEFT JOIN wallet_holds h ON h.id = c.hold_id
        LEFT JOIN wallets w ON w.id = h.wallet_id
        WHERE (c.id >= :first OR c.decided_at >= :since) AND (d.id IS NULL OR h.id IS NULL
            OR (c.user_id, c.kind, c.amount, c.currency) IS DISTINCT FROM
                (d.user_id, d.kind, d.amount, d.currency)
            OR (c.user_id, c.amount, c.currency) IS DISTINCT FROM
                (w.user_id, h.amount, h.currency)
            OR h.reference_type IS DISTINCT FROM 'review' OR h.reference_id IS DISTINCT FROM c.id
            OR h.status <> CASE WHEN c.status = 'OPEN' THEN 'ACTIVE' ELSE 'VOIDED' END)
        """,
    ),
    Invariant(
        "Every hold of a review has its case",
        """
        SELECT h.id FROM wallet_holds h LEFT JOIN risk_cases c ON c.hold_id = h.id
        WHERE h.id >= :first AND h.reference_type = 'review' AND c.id IS NULL
        """,
    ),
    Invariant(
        "An order is under review exactly as long as its case is open",
        """
        SELECT coalesce(o.id, c.id)
        FROM (SELECT * FROM orders WHERE status = 'PENDING_REVIEW') o
        FULL JOIN (
            SELECT * FROM risk_cases WHERE kind = 'PURCHASE' AND status = 'OPEN'
        ) c ON c.reference_id = o.id
        WHERE o.id IS NULL OR c.id IS NULL OR o.user_id <> c.user_id OR o.amount <> c.amount
        """,
    ),
    Invariant(
        "A payment was made exactly if its case was released",
        """
        SELECT c.id FROM risk_cases c
        LEFT JOIN orders o ON c.kind = 'PURCHASE' AND o.id = c.reference_id
        LEFT JOIN transfers t ON c.kind IN ('TRANSFER', 'PAYMENT_REQUEST', 'MERCHANT_CODE')
            AND t.id = c.result_id
        LEFT JOIN payouts p ON c.kind = 'PAYOUT' AND p.id = c.result_id
        LEFT JOIN wallet_holds h ON c.kind = 'HOLD' AND h.id = c.result_id
        LEFT JOIN wallet_transactions w ON c.kind = 'WITHDRAWAL' AND w.id = c.result_id
        WHERE c.id >= :related AND ((c.status = 'RELEASED') <> (c.result_id IS NOT NULL)
            OR (c.kind = 'PURCHASE' AND c.status = 'RELEASED'
                AND o.status NOT IN ('COMPLETED', 'REFUNDED'))
            OR (c.kind = 'PURCHASE' AND c.status IN ('REJECTED', 'EXPIRED')
                AND o.status <> 'FAILED')
            OR (c.status = 'RELEASED' AND c.amount IS DISTINCT FROM
                coalesce(o.amount, t.amount, p.amount, h.amount, -w.amount)))
        """,
    ),
    Invariant(
        "Every payment under review has its outbox events: under review, and reviewed",
        """
        SELECT c.id FROM risk_cases c
        LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_type = 'payment' AND e.aggregate_id = c.id
        WHERE c.id >= :recorded GROUP BY c.id
        HAVING count(e.id) FILTER (WHERE e.type = 'payment-under-review') <> 1
            OR count(e.id) FILTER (WHERE e.type = 'payment-reviewed')
                <> CASE WHEN c.status = 'OPEN' THEN 0 ELSE 1 END
        """,
    ),
)
