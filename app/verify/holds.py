"""Holds, their postings and their events."""

from typing import Final

from app.verify.invariant import Invariant

INVARIANTS: Final = (
    Invariant(
        "A captured hold has exactly its postings: payer debit, payee credit",
        """
        SELECT h.id FROM wallet_holds h
        LEFT JOIN wallets p ON p.user_id = h.payee_id AND p.currency = h.currency
        LEFT JOIN wallet_transactions t ON t.journal_entry_id >= :related
            AND t.reference_type = 'hold' AND t.reference_id = h.id
        LEFT JOIN journal_entries j ON j.id = t.journal_entry_id
        WHERE h.status = 'CAPTURED' AND h.payee_id IS NOT NULL
            AND (h.id >= :first OR h.closed_at >= :since)
        GROUP BY h.id, p.id
        HAVING count(t.id) <> 2 OR count(DISTINCT j.id) <> 1 OR min(j.kind) <> 'CAPTURE'
            OR coalesce(sum(t.amount) FILTER (WHERE t.type = h.type AND t.wallet_id = h.wallet_id),
                0) <> -h.captured_amount
            OR coalesce(sum(t.amount) FILTER (WHERE t.type = 'EARNING' AND t.wallet_id = p.id), 0)
                <> h.captured_amount
        """,
    ),
    Invariant(
        "No other hold has postings, and every capture has its hold",
        """
        SELECT t.id FROM wallet_transactions t
        JOIN journal_entries j ON j.id = t.journal_entry_id
        LEFT JOIN wallet_holds h ON t.reference_type = 'hold' AND h.id = t.reference_id
        WHERE j.id >= :first AND (t.reference_type = 'hold' OR j.kind = 'CAPTURE')
            AND (h.id IS NULL OR h.status <> 'CAPTURED')
        """,
    ),
    Invariant(
        "A capture was authorized as its hold was, with or without a two-factor code",
        """
        SELECT t.id FROM wallet_transactions t JOIN wallet_holds h ON h.id = t.reference_id
        WHERE t.journal_entry_id >= :first AND t.reference_type = 'hold' AND t.amount < 0
            AND t.with_code <> h.with_code
        """,
    ),
    Invariant(
        "A hold's amounts and timestamps match its status",
        """
        SELECT id FROM wallet_holds
        WHERE captured_amount > amount OR captured_amount < 0 OR amount <= 0
            OR (status = 'CAPTURED') <> (captured_amount > 0)
            OR (status = 'ACTIVE') <> (closed_at IS NULL) OR closed_at < created_at
            OR (status = 'EXPIRED' AND (expires_at IS NULL OR closed_at < expires_at))
        """,
    ),
    Invariant(
        "A hold has its wallet's owner and currency, and another user as payee",
        """
        SELECT h.id FROM wallet_holds h JOIN wallets w ON w.id = h.wallet_id
        WHERE w.currency <> h.currency OR h.payee_id = w.user_id
            OR (h.payee_id IS NOT NULL AND h.initiator_id IS DISTINCT FROM w.user_id)
        """,
    ),
    Invariant(
        "Every hold for a payee has its outbox events: placed, and captured or released",
        """
        SELECT h.id FROM wallet_holds h
        LEFT JOIN outbox_events e
            ON e.id >= :related AND e.aggregate_type = 'hold' AND e.aggregate_id = h.id
        WHERE h.id >= :recorded AND h.payee_id IS NOT NULL
        GROUP BY h.id
        HAVING count(e.id) FILTER (WHERE e.type = 'hold-placed') <> 1
            OR count(e.id) FILTER (WHERE e.type = 'hold-captured')
                <> (h.status = 'CAPTURED')::integer
            OR count(e.id) FILTER (WHERE e.type = 'hold-released')
                <> (h.status IN ('VOIDED', 'EXPIRED'))::integer
        """,
    ),
)
