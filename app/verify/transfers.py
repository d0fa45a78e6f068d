"""Transfers, payment requests and merchant codes."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "A transfer has exactly its two postings, from its sender to its receiver",
        """
        SELECT x.id FROM transfers x
        LEFT JOIN wallets s ON s.user_id = x.sender_id AND s.currency = x.currency
        LEFT JOIN wallets r ON r.user_id = x.receiver_id AND r.currency = x.currency
        LEFT JOIN wallet_transactions t ON t.journal_entry_id >= :related
            AND t.reference_type = 'transfer' AND t.reference_id = x.id
        WHERE x.id >= :first
        GROUP BY x.id, s.id, r.id
        HAVING count(t.id) <> 2 OR count(DISTINCT t.journal_entry_id) <> 1
            OR coalesce(sum(t.amount) FILTER (
                WHERE t.type = 'TRANSFER_OUT' AND t.wallet_id = s.id), 0) <> -x.amount
            OR coalesce(sum(t.amount) FILTER (
                WHERE t.type = 'TRANSFER_IN' AND t.wallet_id = r.id), 0) <> x.amount
        """,
    ),
    Invariant(
        # A hold may be captured as a transfer.
        "No posting refers to a missing transfer, or moves money between users without one",
        """
        SELECT t.id FROM wallet_transactions t LEFT JOIN transfers x ON x.id = t.reference_id
        WHERE t.journal_entry_id >= :first AND (
            (t.reference_type = 'transfer' AND x.id IS NULL)
            OR (t.type IN ('TRANSFER_OUT', 'TRANSFER_IN')
                AND coalesce(t.reference_type, '') NOT IN ('transfer', 'hold')))
        """,
    ),
    Invariant(
        "Every user to whom another one has transferred money is a known payee",
        """
        SELECT x.sender_id, x.receiver_id FROM transfers x
        WHERE x.id >= :first AND NOT EXISTS (
            SELECT FROM payees p WHERE p.payer_id = x.sender_id AND p.payee_id = x.receiver_id
        )
        """,
    ),
    Invariant(
        "A paid request has exactly one transfer, with its amount and parties; no other has any",
        """
        SELECT q.id FROM payment_requests q
        LEFT JOIN transfers x ON x.reference_type = 'payment_request' AND x.reference_id = q.id
        GROUP BY q.id
        HAVING count(x.id) <> CASE q.status WHEN 'PAID' THEN 1 ELSE 0 END
            OR bool_or(x.id IS DISTINCT FROM q.transfer_id OR x.amount <> q.amount
                OR x.currency <> q.currency OR x.receiver_id <> q.requester_id
                OR x.sender_id <> q.payer_id)
        """,
    ),
    Invariant(
        "A transfer matches the payment request or merchant code that it pays",
        """
        SELECT x.id FROM transfers x
        LEFT JOIN payment_requests q
            ON x.reference_type = 'payment_request' AND q.id = x.reference_id
        LEFT JOIN merchant_codes c ON x.reference_type = 'merchant_code' AND c.id = x.reference_id
        WHERE x.id >= :first AND x.reference_type IS NOT NULL AND (
            coalesce(q.requester_id, c.merchant_id) IS DISTINCT FROM x.receiver_id
            OR c.product_id IS NOT NULL OR c.amount <> x.amount)
        """,
    ),
    Invariant(
        "A payment request's timestamps match its status, and none was paid after expiry",
        """
        SELECT id FROM payment_requests
        WHERE (status = 'OPEN') <> (closed_at IS NULL)
            OR (status = 'PAID' AND closed_at >= expires_at)
            OR (status = 'EXPIRED' AND closed_at < expires_at)
        """,
    ),
    Invariant(
        "A merchant code sells only products of its merchant",
        "SELECT c.id FROM merchant_codes c JOIN products p ON p.id = c.product_id"
        " WHERE p.merchant_id <> c.merchant_id OR c.amount IS NOT NULL",
    ),
    Invariant(
        "Every transfer and every status of a payment request has its outbox event",
        """
        SELECT x.id FROM transfers x LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_id = x.id AND e.type = 'transfer-completed'
        WHERE x.id >= :recorded AND e.id IS NULL
        UNION ALL
        SELECT q.id FROM payment_requests q LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_id = q.id AND e.type = 'payment-request-'
                || CASE q.status WHEN 'OPEN' THEN 'created' ELSE lower(q.status) END
        WHERE q.id >= :recorded AND e.id IS NULL
        """,
    ),
)
